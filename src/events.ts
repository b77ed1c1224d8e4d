/**
 * What a build tells while it runs. `report/` turns events into lines for people or JSON; nothing else prints.
 * Sizes are bytes, times milliseconds. Steps are counted from 1.
 */
export type Event =
  | { readonly type: 'build-started'; readonly spec: string; readonly platform: string; readonly steps: number }
  | { readonly type: 'base-resolved'; readonly base: string; readonly digest: string; readonly layers: number }
  /** A piece of work with a measure: a download, an upload, the writing of a layer. `task` is unique in a build. */
  | { readonly type: 'task-started'; readonly task: string; readonly label: string; readonly total?: number }
  | { readonly type: 'task-progress'; readonly task: string; readonly done: number; readonly total?: number }
  | { readonly type: 'task-finished'; readonly task: string; readonly outcome?: string }
  | { readonly type: 'step-started'; readonly step: number; readonly verb: string; readonly title: string }
  /** Whether the step's result comes from an earlier build; if not, why: `changed because rootfs/a.conf changed`. */
  | {
      readonly type: 'step-cache'
      readonly step: number
      readonly verb: string
      readonly hit: boolean
      readonly why: string
    }
  /** Nothing that the layer is made of changed, so nothing is done: the step-* events of this build are missing. */
  | { readonly type: 'layer-cached'; readonly digest: string | null }
  | { readonly type: 'step-finished'; readonly step: number; readonly milliseconds: number }
  /** One line that a script wrote, without its newline. */
  | { readonly type: 'output'; readonly step: number; readonly stream: 'stdout' | 'stderr'; readonly line: string }
  | {
      readonly type: 'retry'
      readonly what: string
      readonly attempt: number
      readonly limit: number
      readonly waitMilliseconds: number
      readonly reason: string
    }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'warning'; readonly message: string; readonly hint?: string }
  | { readonly type: 'image-built'; readonly digest: string; readonly size: number; readonly layers: number }
  /** Behind the images of all platforms. */
  | { readonly type: 'index-built'; readonly digest: string; readonly platforms: readonly string[] }
  | { readonly type: 'written'; readonly output: string; readonly digest: string }
  | { readonly type: 'pushed'; readonly reference: string; readonly digest: string }

export type Report = (event: Event) => void

/** Reports nothing: for library users who want silence. */
export const silent: Report = () => {}
