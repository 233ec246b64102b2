/**
 * Handlers that any host mounts: calls over HTTP, metrics, health, and the limit on addresses to put around them.
 *
 * @module
 */
export {
  CALL_API_PATHS,
  createCallsApi,
  type CallableAgent,
  type CallDefaults,
  type CallsApiCaller,
  type CallsApiOptions,
} from './calls-api.js'
export type { CallRouteName } from './calls-api-routes.js'
export { firstOf, type HostBody, type HostHandler, type HostRequest, type HostResponse } from './host-request.js'
export { limitByIp, type IpLimiterOptions } from './ip-limiter.js'
export {
  createHealthHandler,
  createMetricsHandler,
  type HealthHandlerOptions,
  type MetricsHandlerOptions,
} from './watch-handlers.js'
