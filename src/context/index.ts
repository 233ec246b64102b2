/**
 * What the agent is told: variables, prompts, and the answer to the initiation webhook.
 *
 * @module
 */
export {
  initiationAnswer,
  type InitiationAnswer,
  type InitiationAnswerOptions,
  type InitiationCall,
  type InitiationTenant,
} from './initiation.js'
export {
  callContextBlock,
  RECEPTIONIST_PROMPT,
  withCallContext,
  type CallContext,
  type PromptLead,
  type PromptProperty,
} from './prompt.js'
export {
  checkVariables,
  declaredVariables,
  promptText,
  type PromptTextOptions,
  type VariableProblems,
  type VariableSources,
  type VariableValue,
} from './variables.js'
