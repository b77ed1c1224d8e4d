import { once } from 'node:events'
import { connect } from 'node:net'

/** Whether somebody listens there. */
export async function answers(address: string, port: number): Promise<boolean> {
  const socket = connect(port, address)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
