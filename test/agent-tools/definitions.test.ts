import { expect, test } from 'vitest'
import { z } from 'zod'
import { appointmentTools } from '../../src/agent-tools/appointment-tools.js'
import { toolDefinitions } from '../../src/agent-tools/definitions.js'
import { MemoryScheduling } from '../../src/agent-tools/memory-scheduling.js'
import { defineTool } from '../../src/agent-tools/tool.js'

const tools = appointmentTools({ scheduling: new MemoryScheduling({ tenants: {} }) })
const one = defineTool({
  name: 'order_status',
  description: 'Where an order is',
  timeoutMs: 9500,
  parameters: z.object({
    orderNumber: z.string(),
    kind: z.enum(['web', 'shop']).optional(),
    lines: z.array(z.object({ sku: z.string().describe('Article') })).optional(),
  }),
  handler: () => undefined,
})

test('the plain list holds what the receptionist’s settings page takes', () => {
  const plain = toolDefinitions(tools, { as: 'plain' })
  expect(plain.map(({ name }) => name)).toEqual([
    'check_availability', 'book_appointment', 'reschedule_appointment', 'cancel_appointment', 'get_services',
    'get_service_details', 'get_business_hours', 'get_tenant_info', 'find_appointment',
  ]) // prettier-ignore
  expect(plain[0]).toEqual({
    name: 'check_availability',
    description: 'Check available appointment times for a service',
    parameters: {
      type: 'object',
      properties: {
        date: { type: 'string', description: 'Date to check (YYYY-MM-DD format)' },
        serviceId: { type: 'string', description: 'Service ID to check availability for' },
      },
    },
  })
  expect(plain[1]?.parameters.required).toEqual(['customerName', 'serviceId', 'startTime'])
  expect(plain[3]?.parameters.required).toEqual(['appointmentId'])
})

test('every alias is registered under its tool', () => {
  expect(Object.fromEntries(tools.filter(({ aliases }) => aliases.length > 0).map(({ name, aliases }) => [name, aliases]))).toEqual({
    check_availability: ['get_availability'],
    book_appointment: ['create_appointment'],
    get_services: ['list_services'],
    get_business_hours: ['get_hours'],
  }) // prettier-ignore
})

test('a client tool waits longer than we do, and each of its values is described', () => {
  expect(toolDefinitions([one], { as: 'client' })).toEqual([
    {
      type: 'client',
      name: 'order_status',
      description: 'Where an order is',
      expects_response: true,
      response_timeout_secs: 12,
      parameters: {
        type: 'object',
        required: ['orderNumber'],
        properties: {
          orderNumber: { type: 'string', description: 'order number' },
          kind: { type: 'string', enum: ['web', 'shop'], description: 'kind' },
          lines: {
            type: 'array',
            description: 'lines',
            items: {
              type: 'object',
              required: ['sku'],
              properties: { sku: { type: 'string', description: 'Article' } },
            },
          },
        },
      },
    },
  ])
})

test('a webhook tool has its own address, a secret by reference, and learns its conversation', () => {
  const [config] = toolDefinitions([one], {
    as: 'webhook',
    url: 'https://calls.example.com/voice/tools/',
    headers: { 'x-tool-secret': { secret_id: 'sec_1' } },
  })
  expect(config).toMatchObject({
    type: 'webhook',
    response_timeout_secs: 12,
    api_schema: {
      url: 'https://calls.example.com/voice/tools/order_status',
      method: 'POST',
      content_type: 'application/json',
      request_headers: { 'x-tool-secret': { secret_id: 'sec_1' } },
      request_body_schema: {
        properties: {
          orderNumber: { type: 'string' },
          conversation_id: { type: 'string', dynamic_variable: 'system__conversation_id' },
        },
        required: ['orderNumber'],
      },
    },
  })
})

test.each(['http://calls.example.com/tools', '/tools', 'nonsense'])('%s is no address for a webhook tool', (url) => {
  expect(() => toolDefinitions([one], { as: 'webhook', url, headers: {} })).toThrow(TypeError)
})
