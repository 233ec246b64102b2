/**
 * The reference: a bare relay on the `ws` package. A message in is the same message out; nothing is parsed, kept or counted.
 *
 * A process of its own: `BENCH_AGENT_URL` says where the agents are.
 *
 * @module
 */
import { WebSocket, WebSocketServer, type RawData } from 'ws'
import { serveCandidate } from './candidate.js'

const agentUrl = process.env.BENCH_AGENT_URL ?? ''
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false, clientTracking: false })

server.on('connection', (caller) => {
  const agent = new WebSocket(agentUrl, { perMessageDeflate: false })
  let early: RawData[] | undefined = []
  caller.on('message', (data) => {
    if (early) early.push(data)
    else agent.send(data, { binary: false })
  })
  agent.on('open', () => {
    for (const data of early ?? []) agent.send(data, { binary: false })
    early = undefined
  })
  agent.on('message', (data) => caller.send(data, { binary: false }))
  caller.on('close', () => agent.close())
  agent.on('close', () => caller.close())
  caller.on('error', () => undefined)
  agent.on('error', () => undefined)
})

server.on('listening', () => {
  const address = server.address()
  if (typeof address === 'object' && address) serveCandidate(address.port)
})
