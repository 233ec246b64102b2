import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { toolDefinitions } from '../../src/agent-tools/definitions.js'
import { defineTool } from '../../src/agent-tools/tool.js'
import { ElevenLabsApi } from '../../src/elevenlabs/api.js'
import {
  describeChanges,
  provisionAgent,
  provisionWorkspace,
  type ProvisionOptions,
  type ProvisionWorkspaceOptions,
} from '../../src/elevenlabs/provision.js'
import { ElevenLabsSimulator } from '../../src/simulator/elevenlabs/simulator.js'

const hours = defineTool({ name: 'get_hours', description: 'When we are open', handler: () => 'always' })
const book = (description = 'Books') => defineTool({ name: 'book', description, parameters: z.object({ at: z.string().describe('When'), who: z.string().optional() }), handler: () => 'done' }) // prettier-ignore
const headers = { 'X-Secret': 'hunter2-the-secret' }

async function setup() {
  const agent = { userInputAudioFormat: 'pcm_16000', agentOutputAudioFormat: 'pcm_16000', clientEvents: ['audio', 'vad_score'] } as const // prettier-ignore
  const simulator = await ElevenLabsSimulator.start({ agents: [{ agentId: 'agent_1', ...agent }, { agentId: 'agent_2' }] }) // prettier-ignore
  onTestFinished(() => simulator.close())
  const api = new ElevenLabsApi({ apiKey: simulator.apiKey, baseUrl: simulator.baseUrl })
  const provision = (over: Partial<ProvisionOptions> = {}) => provisionAgent({ api, agentId: 'agent_1', ...over })
  const provisionSettings = (over: Partial<ProvisionWorkspaceOptions> = {}) => provisionWorkspace({ api, ...over })
  const writes = () => simulator.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`) // prettier-ignore
  return { api, provision, provisionSettings, writes, simulator }
}

const everything = (tools = [hours, book()]): Partial<ProvisionOptions> => ({
  tools: toolDefinitions(tools, { as: 'webhook', url: 'https://calls.example.com/voice/tools', headers }),
  overrides: ['agent.first_message', 'agent.prompt.prompt'],
  postCallWebhook: { webhookId: 'wh_1', events: ['transcript', 'audio'] },
  initiationWebhook: { url: 'https://calls.example.com/voice/initiation', headers },
})

test('a dry run says what would change, in data and in lines, and writes nothing', async () => {
  const { provision, writes } = await setup()
  const { changes, isWritten } = await provision({ ...everything(), dryRun: true })
  expect(isWritten).toBe(false)
  expect(writes()).toEqual([])
  expect(describeChanges(changes)).toEqual([
    '+ tool get_hours',
    '+ tool book',
    '~ agent agent_1: conversation_config.conversation.client_events: ["audio","vad_score"] → ["audio","vad_score","conversation_initiation_metadata","interruption","ping","agent_response","agent_response_correction","user_transcript","client_tool_call"…', // prettier-ignore
    '~ agent agent_1: conversation_config.asr.user_input_audio_format: "pcm_16000" → "ulaw_8000"',
    '~ agent agent_1: conversation_config.tts.agent_output_audio_format: "pcm_16000" → "ulaw_8000"',
    '~ agent agent_1: conversation_config.agent.prompt.tool_ids: [] → ["(new) get_hours","(new) book"]',
    '~ agent agent_1: platform_settings.overrides.conversation_config_override.agent: nothing → {"first_message":true,"prompt":{"prompt":true}}', // prettier-ignore
    '~ agent agent_1: platform_settings.overrides.enable_conversation_initiation_client_data_from_webhook: false → true',
    '~ agent agent_1: platform_settings.workspace_overrides: nothing → {"webhooks":{"post_call_webhook_id":"wh_1","events":["transcript","audio"]},"conversation_initiation_client_data_webhook":{"url":"https://calls.example.com/voi…', // prettier-ignore
  ])
  expect(JSON.stringify(changes)).not.toContain('hunter2')
})

test('it writes what differs, once: the second run changes nothing', async () => {
  const { api, provision, writes } = await setup()
  expect((await provision(everything())).isWritten).toBe(true)
  expect(writes()).toEqual(['POST /v1/convai/tools', 'POST /v1/convai/tools', 'PATCH /v1/convai/agents/agent_1'])
  expect(await provision(everything())).toEqual({ changes: [], isWritten: false })
  expect(writes()).toHaveLength(3)
  const agent = await api.getAgent({ agentId: 'agent_1' })
  expect(agent).toMatchObject({ inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000', allowedOverrides: ['agent.first_message', 'agent.prompt.prompt'] }) // prettier-ignore
  expect(agent.clientEvents).toEqual(expect.arrayContaining(['vad_score', 'client_tool_call', 'agent_response_correction'])) // prettier-ignore
})

test('a tool that changed is changed in place; what the dashboard added to it stays, and what the host took away goes', async () => {
  const { api, provision, writes } = await setup()
  await provision(everything())
  const [, before] = await api.listTools()
  await api.updateTool({ toolId: before!.toolId, config: { ...before!.config, pre_tool_speech: 'force' } })
  const lean = defineTool({ name: 'book', description: 'Books a time', parameters: z.object({ at: z.string().describe('When') }), handler: () => 'done' }) // prettier-ignore
  const writesBefore = writes().length
  const planned = await provision({ ...everything([hours, lean]), dryRun: true })
  expect([planned.isWritten, writes().length]).toEqual([false, writesBefore])
  const { changes } = await provision(everything([hours, lean]))
  expect(changes).toEqual(planned.changes)
  expect(changes.map(({ action, name, path }) => [action, name, path])).toEqual([
    ['update-tool', 'book', 'description'],
    ['update-tool', 'book', 'api_schema.request_body_schema.properties'],
  ])
  const [, after] = await api.listTools()
  expect(after).toMatchObject({ toolId: before!.toolId, config: { description: 'Books a time', pre_tool_speech: 'force' } }) // prettier-ignore
  const schema = (after!.config.api_schema as { request_body_schema: { properties: object } }).request_body_schema
  expect(Object.keys(schema.properties)).toEqual(['at', 'conversation_id'])
  expect(writes().filter((line) => line.startsWith('POST'))).toHaveLength(2)
})

test('tools of its own stay with the agent, and another agent’s tool of the same name is not touched', async () => {
  const { api, provision } = await setup()
  const client = (tools: Parameters<typeof toolDefinitions>[0]) => toolDefinitions(tools, { as: 'client' })
  await provisionAgent({ api, agentId: 'agent_2', tools: client([book('The other agent books')]) })
  const mine = await api.createTool({ config: { ...client([defineTool({ name: 'mine', description: 'Mine', handler: () => 1 })])[0] } }) // prettier-ignore
  await api.updateAgent({ agentId: 'agent_1', settings: { conversation_config: { agent: { prompt: { tool_ids: [mine.toolId] } } } } }) // prettier-ignore
  await provision({ tools: client([book()]) })
  const tools = await api.listTools()
  expect(tools.map(({ config }) => [config.name, config.description])).toEqual([['book', 'The other agent books'], ['mine', 'Mine'], ['book', 'Books']]) // prettier-ignore
  const { raw } = await api.getAgent({ agentId: 'agent_1' })
  expect(raw).toMatchObject({ conversation_config: { agent: { prompt: { tool_ids: [mine.toolId, tools[2]!.toolId] } } } }) // prettier-ignore
})

test('a tool that changes its road is replaced by one of the other kind', async () => {
  const { api, provision } = await setup()
  await provision(everything([book()]))
  await provision({ tools: toolDefinitions([book()], { as: 'client' }) })
  const { raw } = await api.getAgent({ agentId: 'agent_1' })
  const tools = await api.listTools()
  expect(tools.map(({ config }) => config.type)).toEqual(['webhook', 'client'])
  expect(raw).toMatchObject({ conversation_config: { agent: { prompt: { tool_ids: [tools[1]!.toolId] } } } })
})

test('a key that may not write fails with the vendor’s words, and nothing is taken as written', async () => {
  const { provision, simulator } = await setup()
  simulator.failNextRequest({ path: '/tools', status: 403, code: 'missing_permissions' })
  await expect(provision(everything())).rejects.toMatchObject({ code: 'elevenlabs_unauthorized' })
})

describe('the workspace', () => {
  const webhooks: Partial<ProvisionWorkspaceOptions> = {
    postCallWebhook: { webhookId: 'wh_1', events: ['audio', 'call_initiation_failure'] },
    initiationWebhook: { url: 'https://calls.example.com/voice/elevenlabs/initiation', headers },
  }

  test('a dry run says what would change, hides what headers hold, and writes nothing', async () => {
    const { provisionSettings, writes } = await setup()
    const { changes, isWritten } = await provisionSettings({ ...webhooks, dryRun: true })
    expect([isWritten, writes()]).toEqual([false, []])
    expect(describeChanges(changes)).toEqual([
      '~ workspace settings: webhooks.post_call_webhook_id: null → "wh_1"',
      '~ workspace settings: webhooks.events: ["transcript"] → ["transcript","audio","call_initiation_failure"]',
      '~ workspace settings: conversation_initiation_client_data_webhook: null → {"url":"https://calls.example.com/voice/elevenlabs/initiation","request_headers":{"X-Secret":"(hidden)"}}', // prettier-ignore
    ])
    expect(JSON.stringify(changes)).not.toContain('hunter2')
  })

  test('is written once: the second run changes nothing, and what is not ours stays', async () => {
    const { api, provisionSettings, writes } = await setup()
    const before = await api.getSettings()
    expect((await provisionSettings(webhooks)).isWritten).toBe(true)
    expect(await provisionSettings(webhooks)).toEqual({ changes: [], isWritten: false })
    expect(writes()).toEqual(['PATCH /v1/convai/settings'])
    expect(await api.getSettings()).toEqual({
      ...before,
      webhooks: { post_call_webhook_id: 'wh_1', events: ['transcript', 'audio', 'call_initiation_failure'], transcript_format: 'json', send_audio: null }, // prettier-ignore
      conversation_initiation_client_data_webhook: { url: 'https://calls.example.com/voice/elevenlabs/initiation', request_headers: headers }, // prettier-ignore
    })
  })

  test('only the section that differs is sent, and a header that is not wanted any more goes', async () => {
    const { api, provisionSettings } = await setup()
    await provisionSettings(webhooks)
    const { changes } = await provisionSettings({ initiationWebhook: { url: webhooks.initiationWebhook!.url, headers: { 'X-Other': { secret_id: 's_1' } } } }) // prettier-ignore
    expect(changes).toEqual([{ action: 'update-workspace', name: 'settings', path: 'conversation_initiation_client_data_webhook.request_headers', before: { 'X-Secret': '(hidden)' }, after: { 'X-Other': { secret_id: '(hidden)' } } }]) // prettier-ignore
    expect(await api.getSettings()).toMatchObject({
      webhooks: { post_call_webhook_id: 'wh_1' },
      conversation_initiation_client_data_webhook: { url: webhooks.initiationWebhook!.url, request_headers: { 'X-Other': { secret_id: 's_1' } } }, // prettier-ignore
    })
    const { conversation_initiation_client_data_webhook: initiation } = await api.getSettings()
    expect(initiation).toEqual({ url: webhooks.initiationWebhook!.url, request_headers: { 'X-Other': { secret_id: 's_1' } } }) // prettier-ignore
  })

  test('nothing wanted is nothing written; an event that does not exist fails with the vendor’s word', async () => {
    const { provisionSettings, writes } = await setup()
    expect(await provisionSettings()).toEqual({ changes: [], isWritten: false })
    expect(writes()).toEqual([])
    await expect(provisionSettings({ postCallWebhook: { webhookId: 'wh_1', events: ['no_such_event'] } })).rejects.toMatchObject({ name: 'VendorError', status: 422 }) // prettier-ignore
  })

  test('an agent asks at the workspace’s webhook only where there is one', async () => {
    const { api, provision, provisionSettings, writes } = await setup()
    const asks = { initiationWebhook: 'of-workspace' } as const
    await expect(provision(asks)).rejects.toThrow(/call provisionWorkspace first/)
    expect(writes()).toEqual([])
    await provisionSettings(webhooks)
    await provision(asks)
    expect(await provision(asks)).toEqual({ changes: [], isWritten: false })
    const { raw } = await api.getAgent({ agentId: 'agent_1' })
    expect(raw).toMatchObject({ platform_settings: { overrides: { enable_conversation_initiation_client_data_from_webhook: true } } }) // prettier-ignore
    expect(raw).not.toHaveProperty('platform_settings.workspace_overrides')
  })
})
