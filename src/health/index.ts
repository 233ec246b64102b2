/**
 * Is everything there that calls need?
 *
 * @module
 */
export { createHealth, type CheckStatus, type HealthCheck, type HealthOptions, type HealthReport } from './checks.js'
