import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../support/folder.ts'

const THREAD = join(import.meta.dirname, '../../src/oci/thread.ts')
const echo = `import { parentPort } from 'node:worker_threads'
parentPort.on('message', (question) => {
  if (question === 'throw') throw new Error('thrown')
  if (question === 'hang') while (true);
  parentPort.postMessage(question + '!')
})`

/** What a process of its own prints that has a thread; nothing but the thread can keep it alive. */
async function printed(program: string): Promise<string> {
  const folder = await testFolder()
  await writeFile(join(folder, 'echo.mjs'), echo)
  const text = `import { Thread } from ${JSON.stringify(THREAD)}
const thread = new Thread(new URL('./echo.mjs', import.meta.url))
${program}`
  await writeFile(join(folder, 'program.mjs'), text)
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])
  return stdout
}

const blocked = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)'

describe('a thread', () => {
  it.each<[string, string, string]>([
    [
      'answers in order, and keeps nobody who does not wait for it',
      `const asked = ['a', 'b'].map((word) => thread.ask(word)); console.log(...await Promise.all(asked), thread.open)`,
      'a! b! 0\n',
    ],
    ['that was asked nothing does not keep the process', `console.log('end')`, 'end\n'],
    [
      'whose answer comes when it is being ended is ended, and the process goes on',
      `void thread.ask('a'); ${blocked}; await thread.close(); console.log('closed')`,
      'closed\n',
    ],
    [
      'that never answers is ended, and says so to whoever waits',
      `const asked = thread.ask('hang'); await thread.close(); await asked.catch(({ message }) => console.log(message.replace(/\\d/, 'N')))`,
      'a thread ended with code N\n',
    ],
    [
      'that throws fails all that it was asked, and all that it is asked',
      `const all = await Promise.allSettled(['throw', 'a'].map((word) => thread.ask(word)))
       console.log(...all.map(({ reason }) => reason.message), await thread.ask('b').catch(({ message }) => message))`,
      'thrown thrown thrown\n',
    ],
    [
      'that was told to fail throws that at once',
      `const asked = thread.ask('a'); thread.fail(new Error('stopped')); await asked.catch(({ message }) => console.log(message)); await thread.close()`,
      'stopped\n',
    ],
  ])('%s', async (_, program, expected) => {
    expect(await printed(program)).toBe(expected)
  })
})
