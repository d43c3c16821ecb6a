/**
 * Which addresses a webhook may go to. The URL of a customer could name a host of ours: the database, the metadata of a cloud, a service
 * without a login. So every address is looked at after its name was resolved, and the connection is made to what was looked at.
 */
import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** What is not reachable over the internet, or is not one host there: the special-purpose registries of IANA. */
const SPECIAL_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** Of `2000::/3`, outside of which nothing is public but IPv4 in other clothes. */
const SPECIAL_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']
const GLOBAL_6 = ['2000::/3']
/** IPv4 addresses as IPv6: mapped by the system, and translated by NAT64. They are as public as what is in them. */
const AROUND_4 = ['::ffff:', '64:ff9b::']

const special = blockList([...SPECIAL_4, ...SPECIAL_6, ...AROUND_4.flatMap(within)])
const open = blockList([...GLOBAL_6, ...AROUND_4.map((prefix) => `${prefix}0.0.0.0/96`), '0.0.0.0/0'])

/** Whether an address is one of the internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return false
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  return open.check(address, kind) && !special.check(address, kind)
}

/** Whether a host is an address itself: it is not looked up then. */
export function addressIn(host: string): string | null {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  return isIP(bare) === 0 ? null : bare
}

/** Like `dns.lookup`, and returns public addresses only. */
export const lookupPublic: LookupFunction = (host, options, callback) => {
  const all: LookupOptions & { all: true } = { ...options, all: true }
  resolve(host, all, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, '')
    const found = addresses.filter(({ address }) => isPublicAddress(address))
    const [first] = found
    if (!first) return callback(notPublic(host), '')
    return options.all ? callback(null, found) : callback(null, first.address, first.family)
  })
}

/** Says nothing of the address: a customer may see the error. */
export function notPublic(host: string): Error {
  const mend = 'For a host of your own, give the target `allowPrivateAddresses: true`'
  return new Error(`${host} has no public address, and webhooks go to no other. ${mend}.`)
}

function within(prefix: string): string[] {
  return SPECIAL_4.map((subnet) => {
    const [address, bits] = subnet.split('/')
    return `${prefix}${address}/${96 + Number(bits)}`
  })
}

function blockList(subnets: readonly string[]): BlockList {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/')
    list.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}
