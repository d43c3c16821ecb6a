/** What those get who may not see the page: no data, no links, not even a stylesheet. */
const BODY =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>No access</title><h1>No access</h1><p>This page is for operators. Sign in first, or ask for access.</p></html>'

export function noAccess(): Response {
  return new Response(BODY, {
    status: 401,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    },
  })
}
