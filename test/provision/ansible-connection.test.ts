/** Needs Debian's ansible-core. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { testFolder } from '../support/folder.ts'
import { tool } from '../support/skopeo.ts'

/** An agent that answers when it has all of its input, and a file of which the kernel gives nothing. */
const PROGRAM = `
import importlib.util, os, socket, sys, threading
_, plugin, place = sys.argv
spec = importlib.util.spec_from_file_location("plugin", plugin)
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
server = socket.socket(socket.AF_UNIX)
server.bind(place)
server.listen()
os.environ["OCIBAKE_SOCKET"] = place

def agent():
    client, _ = server.accept()
    while client.recv(1 << 16):
        pass

threading.Thread(target=agent, daemon=True).start()

class Connection(plugin.Connection):
    def __init__(self):
        self._connected = True

    def get_option(self, name):
        return "root"

try:
    Connection()._transfer("put", "/x", plugin._chunks(open("/proc/self/mem", "rb")), None)
except OSError as error:
    print(error)
`

it('is told by the connection when a file cannot be read to its end, and nobody waits for the rest', async () => {
  const plugin = join(import.meta.dirname, '../../ansible/connection/ocibake.py')
  const place = join(await testFolder(), 's')
  const said = await tool('/usr/bin/timeout', ['20', '/usr/bin/python3', '-c', PROGRAM, plugin, place])
  expect(said).toContain('Input/output error')
})
