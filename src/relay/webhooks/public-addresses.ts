/**
 * Decides which addresses a webhook may go to. A customer's URL could name a host of our own: the database, the metadata service of a cloud, a
 * service without a login. So each address is checked after its name was resolved, and the connection goes to the checked address.
 */
import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Ranges that cannot be reached over the internet, or that are not one host there, by IANA's special-purpose registries. */
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
/** Special ranges in `2000::/3`. Outside of `2000::/3` nothing is public, except IPv4 addresses that are written as IPv6. */
const SPECIAL_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']
const GLOBAL_6 = ['2000::/3']
/** Prefixes of IPv4 addresses written as IPv6: mapped by the system, or translated by NAT64. The IPv4 address decides if it is public. */
const AROUND_4 = ['::ffff:', '64:ff9b::']

const special = blockList([...SPECIAL_4, ...SPECIAL_6, ...AROUND_4.flatMap(within)])
const open = blockList([...GLOBAL_6, ...AROUND_4.map((prefix) => `${prefix}0.0.0.0/96`), '0.0.0.0/0'])

/** Whether an address is public: reachable over the internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return false
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  return open.check(address, kind) && !special.check(address, kind)
}

/** Returns the address if the host is one, else `null`. Such a host is not looked up, so `lookupPublic` never checks it. */
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

/** The error does not name the resolved address, because a customer may see the error. */
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
