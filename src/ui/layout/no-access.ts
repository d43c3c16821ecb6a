/** The response for people who may not see the page: no data, no links, not even a stylesheet. */
import { plainPage } from './plain-page.ts'

export function noAccess(): Response {
  return plainPage(401, 'No access', 'This page is for operators. Sign in first, or ask for access.')
}
