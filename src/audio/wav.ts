/**
 * A WAV file of 16-bit PCM, of any number of channels.
 *
 * @module
 */

const HEADER_BYTES = 44

/** Makes a WAV file. Channels that are shorter than the longest end in silence. */
export function encodeWav({
  channels,
  sampleRateHz,
}: {
  readonly channels: readonly Int16Array[]
  readonly sampleRateHz: number
}): Uint8Array {
  if (channels.length === 0) throw new RangeError('a WAV file has at least one channel')
  const samples = Math.max(...channels.map((channel) => channel.length))
  const blockBytes = channels.length * 2
  const wav = Buffer.alloc(HEADER_BYTES + samples * blockBytes)
  wav.write('RIFF', 0, 'latin1')
  wav.writeUInt32LE(wav.length - 8, 4)
  wav.write('WAVEfmt ', 8, 'latin1')
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20) // PCM
  wav.writeUInt16LE(channels.length, 22)
  wav.writeUInt32LE(sampleRateHz, 24)
  wav.writeUInt32LE(sampleRateHz * blockBytes, 28)
  wav.writeUInt16LE(blockBytes, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36, 'latin1')
  wav.writeUInt32LE(samples * blockBytes, 40)
  channels.forEach((channel, index) => {
    for (let i = 0; i < channel.length; i++)
      wav.writeInt16LE(channel[i] ?? 0, HEADER_BYTES + i * blockBytes + index * 2)
  })
  return wav
}
