import { test, expect } from 'vitest'
import { Bench, smallRoot, at } from '../support/small-root.ts'
test('smoke', async () => {
  await using bench = await Bench.open()
  const tree = smallRoot()
  const t0 = performance.now()
  const same = await bench.run(tree, 'true')
  console.log('same', same === tree, performance.now() - t0)
  const t = await bench.run(tree, ['id; pwd; env; cat /etc/hosts; ls -la /etc; echo $0; ls -l /dev/ocibake; cat > /dev/null', 'echo err > /dev/stderr', 'echo hi > /hello; chown 7:8 /hello; chmod 4755 /hello; rm /etc/group; ln /bin/busybox /bin/bb'])
  console.log(bench.lines().join('\n'), at(t, 'hello'), at(t, 'etc/group'), at(t, 'bin/bb') === at(tree, 'bin/busybox'), [...t.children.keys()], t.attrs, tree.attrs, at(t,'etc'))
}, 20000)
