/** The small part of HTTP that these tests need. */
import { request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, () => resolve(server)))
}

export function get(server: Server): Promise<string> {
  const { port } = server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const sent = request({ port, method: 'POST' }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += String(chunk))).on('end', () => resolve(text))
    })
    sent.on('error', reject).flushHeaders()
    server.once('request', () => sent.end('body')) // so that the body arrives after the handler has begun
  })
}

/** The text of a response: `done`, or the reason of the failure. */
export async function answer(work: () => Promise<unknown>): Promise<string> {
  return work().then(
    () => 'done',
    (error: Error) => error.message,
  )
}
