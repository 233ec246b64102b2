import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { socketFromWs, socketPair, type SocketHandlers } from '../../src/core/socket.js'

function recorder(): SocketHandlers & { log: unknown[] } {
  const log: unknown[] = []
  return {
    log,
    message: (text) => log.push(['message', text]),
    binary: (bytes) => log.push(['binary', bytes]),
    close: (code, reason) => log.push(['close', code, reason]),
  }
}

class FakeWs extends EventEmitter {
  readyState = 1
  bufferedAmount = 0
  sent: string[] = []
  terminated = false
  send(data: Buffer, { binary }: { binary: boolean }): void {
    if (!binary) this.sent.push(data.toString())
  }
  close(code?: number): void {
    if (code === 1006) throw new TypeError('First argument must be a valid error code number')
  }
  terminate(): void {
    this.terminated = true
  }
}

describe('socketFromWs', () => {
  test('delivers what came before somebody listened, in order, then what comes after', () => {
    const ws = new FakeWs()
    const socket = socketFromWs(ws)
    ws.emit('message', Buffer.from('a'), false)
    ws.emit('message', Buffer.from([1, 2]), true)
    const heard = recorder()
    socket.listen(heard)
    ws.emit('message', [Buffer.from('b'), Buffer.from('c')], false)
    ws.emit('close', 1000, Buffer.from('bye'))
    expect(heard.log).toEqual([['message', 'a'], ['binary', 2], ['message', 'bc'], ['close', 1000, 'bye']]) // prettier-ignore
  })

  test('a message is offered as bytes first, and is text only when they are not taken', () => {
    const ws = new FakeWs()
    const socket = socketFromWs(ws)
    const heard = recorder()
    ws.emit('message', Buffer.from('early'), false)
    socket.listen({
      ...heard,
      bytes: (utf8) => {
        heard.log.push(['bytes', utf8.toString()])
        return utf8[0] === 't'.charCodeAt(0)
      },
    })
    for (const text of ['taken', 'left']) ws.emit('message', Buffer.from(text), false)
    ws.emit('message', [Buffer.from('t'), Buffer.from('wo')], false)
    ws.emit('message', Buffer.from('t'), true)
    expect(heard.log).toEqual([['message', 'early'], ['bytes', 'taken'], ['bytes', 'left'], ['message', 'left'], ['message', 'two'], ['binary', 1]]) // prettier-ignore
  })

  test('bytes are sent as the text that they are, and not once it is closing', () => {
    const ws = new FakeWs()
    const socket = socketFromWs(ws)
    socket.sendBytes?.(Buffer.from('grüezi'))
    ws.readyState = 2
    socket.sendBytes?.(Buffer.from('late'))
    expect(ws.sent).toEqual(['grüezi'])
  })

  test('a close from before somebody listened is told', () => {
    const ws = new FakeWs()
    const socket = socketFromWs(ws)
    ws.emit('close', 1006, Buffer.alloc(0))
    const heard = recorder()
    socket.listen(heard)
    expect(heard.log).toEqual([['close', 1006, '']])
  })

  test('drops a peer that floods before anybody listens', () => {
    const ws = new FakeWs()
    socketFromWs(ws)
    for (let i = 0; i < 65; i++) ws.emit('message', Buffer.from('x'), false)
    expect(ws.terminated).toBe(true)
  })

  test('what is sent in one go of the event loop leaves together, and the next go on its own', async () => {
    const ws = new FakeWs()
    const stream = { log: [] as string[], cork: () => stream.log.push('cork'), uncork: () => stream.log.push('uncork') }
    const socket = socketFromWs(ws, stream)
    socket.send('audio')
    socket.send('mark')
    expect([ws.sent, stream.log]).toEqual([['audio', 'mark'], ['cork']])
    await new Promise((resolve) => process.nextTick(resolve))
    expect(stream.log).toEqual(['cork', 'uncork'])
    socket.send('clear')
    expect(stream.log).toEqual(['cork', 'uncork', 'cork'])
  })

  test('what cannot wait leaves at once, with what was sent before it', async () => {
    const ws = new FakeWs()
    const stream = { log: [] as string[], cork: () => stream.log.push('cork'), uncork: () => stream.log.push('uncork') }
    const socket = socketFromWs(ws, stream)
    socket.flush?.()
    expect(stream.log).toEqual([])
    socket.send('audio')
    socket.send('clear')
    socket.flush?.()
    expect([ws.sent, stream.log]).toEqual([
      ['audio', 'clear'],
      ['cork', 'uncork'],
    ])
    socket.send('later')
    expect(stream.log).toEqual(['cork', 'uncork', 'cork'])
    await new Promise((resolve) => process.nextTick(resolve))
    expect(stream.log.filter((what) => what === 'cork')).toHaveLength(2)
    expect(stream.log.at(-1)).toBe('uncork')
  })

  test('sends nothing once closing, and survives an error event and a close code that the wire cannot carry', () => {
    const ws = new FakeWs()
    const socket = socketFromWs(ws)
    ws.emit('error', new Error('reset'))
    ws.readyState = 2
    socket.send('late')
    expect(ws.sent).toEqual([])
    socket.close(1006)
    expect(ws.terminated).toBe(true)
  })
})

describe('socketPair', () => {
  test('delivers in order, keeps what comes before listening, and closes both ends once', () => {
    const [a, b] = socketPair()
    const atA = recorder()
    const atB = recorder()
    a.listen(atA)
    a.send('early')
    b.listen(atB)
    a.send('later')
    a.close(1000, 'done')
    b.close(1011)
    b.send('never')
    expect(atB.log).toEqual([['message', 'early'], ['message', 'later'], ['close', 1000, 'done']]) // prettier-ignore
    expect(atA.log).toEqual([['close', 1000, 'done']])
  })
})
