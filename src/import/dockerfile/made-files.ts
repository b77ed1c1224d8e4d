import type { StageState } from './stage-state.ts'

/** The files that COPY and ADD of a stage have made, absolute, variables hidden in them. */
export function madeFiles({ actions }: Pick<StageState, 'actions'>): ReadonlySet<string> {
  const paths = actions.flatMap((action) => (action.kind === 'step' ? [action.target, action.step.step?.write] : []))
  return new Set(paths.filter((path) => typeof path === 'string'))
}
