/** The parameters of `publish_event`, and what it refuses before anything is stored: each refusal has its own code, and says how to fix it. */
import type { Tables } from '../schema/tables.ts'

/** SQL: the parameters, with their types and defaults. */
export const SQL_PARAMETERS = `type text, data anycompatible, partition_key text default null, id uuid default null, version integer default 1,
  occurred_at timestamptz default null, correlation_id text default null, causation_id text default null, source text default null,
  metadata jsonb default null, ttl interval default null, delay interval default null, at timestamptz default null,
  without_key boolean default false`

const MAX_TEXT_BYTES = 512
const MAX_METADATA_BYTES = 16_384
const MOST_DAYS = 365
/** A message lists at most this many names. */
const NAMED = 10

/** SQL: a UUID of version 7, the time in milliseconds followed by 74 random bits. */
export function uuidV7(): string {
  const time = `substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)`
  const bytes = `overlay(uuid_send(gen_random_uuid()) placing ${time} from 1 for 6)`
  return `encode(set_bit(set_bit(${bytes}, 52, 1), 53, 1), 'hex')::uuid`
}

/** Statements of plpgsql that come after `known` and `listening` were read. They also find out when the event expires, and when it is due. */
export function refuseUnless(tables: Tables): string {
  return [
    unknownType(tables),
    insidePublish(),
    partitionKey(),
    documentOf(),
    ...['correlation_id', 'causation_id', 'source'].map(textProblem),
    metadataProblem(),
    times(),
    dueProblem(tables.clock),
  ].join('\n')
}

interface Refusal {
  readonly errcode: string
  /** `message`, `detail` and `hint` are SQL expressions. */
  readonly message: string
  readonly detail: string
  readonly hint: string
}

/** Types, keys and data come from outside, so a message quotes only their beginning. */
const TYPE = `left(publish_event.type, 128)`

function raise({ errcode, message, detail, hint }: Refusal): string {
  return `raise exception using errcode = '${errcode}', message = ${message}, detail = ${detail}, hint = ${hint};`
}

function unless(condition: string, refusal: Refusal): string {
  return `if (${condition}) is not true then
    ${raise(refusal)}
  end if;`
}

function unknownType({ registeredType }: Tables): string {
  const names = `(select string_agg(one.name, ', ' order by one.name) from (
      select distinct one.name from ${registeredType} one order by one.name limit ${NAMED}) one)`
  const versions = `(select string_agg(distinct one.version::text, ', ') from ${registeredType} one where one.name = publish_event.type)`
  return `if known.type is null then
    if exists (select from ${registeredType} one where one.name = publish_event.type) then
      ${raise({
        errcode: 'PB011',
        message: `format('Event type "%s" has no version %s that SQL may publish.', ${TYPE}, coalesce(version::text, 'null'))`,
        detail: `format('Registered: version %s.', ${versions})`,
        hint: `'Give one of them: version => …. A new version of the code is registered by: npx postbus migrate'`,
      })}
    end if;
    ${raise({
      errcode: 'PB010',
      message: `format('Event type "%s" is not registered, so SQL may not publish it.', coalesce(${TYPE}, 'null'))`,
      detail: `coalesce(format('Registered are, among others: %s.', ${names}), 'No event type is registered.')`,
      hint: `'Give the type to a bus, createBus({ events, handlers }), and run: npx postbus migrate. See what is registered with: npx postbus types sql'`,
    })}
  end if;`
}

function insidePublish(): string {
  return unless(`listening.within is null`, {
    errcode: 'PB014',
    message: `format('Event type "%s" cannot be published by SQL.', ${TYPE})`,
    detail: `format('Its handler "%s" runs inside publish (runs: ''in-transaction''), which only the application can do.', listening.within)`,
    hint: `'Publish it from the application, or let the handler run in a worker.'`,
  })
}

function partitionKey(): string {
  return [
    unless(`known.is_keyed = (partition_key is not null) or known.is_keyed and without_key`, {
      errcode: 'PB012',
      message: `format(case when known.is_keyed then 'Event type "%s" needs a partition_key.' else 'Event type "%s" takes no partition_key.' end, ${TYPE})`,
      detail: `case when known.is_keyed then 'Its events are handled in order for each key, and only the code can read the key from the data.'
        else 'Its definition has no partitionKey, so no other publisher gives one.' end`,
      hint: `case when known.is_keyed then 'Give it: partition_key => …, the same text that partitionKey of the event type returns. For an event that needs no order: without_key => true.'
        else 'Leave it out, or give the event type a partitionKey and run: npx postbus migrate' end`,
    }),
    unless(`partition_key is null or not without_key`, {
      errcode: 'PB012',
      message: `format('Event of type "%s" has a partition_key, and says without_key.', ${TYPE})`,
      detail: `'Only one of them can be meant.'`,
      hint: `'Leave one of them out.'`,
    }),
    unless(`partition_key is null or partition_key <> '' and octet_length(partition_key) <= ${MAX_TEXT_BYTES}`, {
      errcode: 'PB012',
      message: `format('The partition_key of an event of type "%s" is malformed.', ${TYPE})`,
      detail: `format('It has %s bytes.', octet_length(partition_key))`,
      hint: `'Give 1 to ${MAX_TEXT_BYTES} bytes of text.'`,
    }),
  ].join('\n')
}

function documentOf(): string {
  const malformed = (detail: string, hint: string) =>
    raise({
      errcode: 'PB013',
      message: `format('The data of an event of type "%s" is not JSON.', ${TYPE})`,
      detail,
      hint,
    })
  return `if document is null then
    ${malformed(`'It is null, which is no document.'`, `'For the JSON value null write: data => ''null''.'`)}
  elsif pg_typeof(data) = any (array['json', 'jsonb']::regtype[]) then null;
  elsif pg_typeof(data) = any (array['text', 'varchar']::regtype[]) then
    begin
      checked := document;
    exception when invalid_text_representation or untranslatable_character or statement_too_complex then
      get stacked diagnostics problem = pg_exception_detail;
      ${malformed(`concat_ws(': ', sqlerrm, nullif(problem, ''))`, `'Give json, jsonb, or text that is JSON. A string has quotes of its own: data => ''"text"''.'`)}
    end;
  else
    ${malformed(`format('It is of type %s.', pg_typeof(data))`, `'Give json, jsonb, or text that is JSON: to_jsonb(…) makes it of a row or a value.'`)}
  end if;
  ${unless(`octet_length(document) <= known.max_bytes - 30`, {
    errcode: 'PB015',
    message: `format('The data of an event of type "%s" is too large.', ${TYPE})`,
    detail: `format('It has %s bytes, and at most %s are allowed, by maxPayloadBytes of the bus.', octet_length(document), known.max_bytes - 30)`,
    hint: `'Store large content elsewhere, and publish where it is.'`,
  })}`
}

function textProblem(parameter: string): string {
  return unless(`${parameter} is null or ${parameter} <> '' and octet_length(${parameter}) <= ${MAX_TEXT_BYTES}`, {
    errcode: 'PB013',
    message: `format('The ${parameter} of an event of type "%s" is malformed.', ${TYPE})`,
    detail: `format('It has %s bytes.', octet_length(${parameter}))`,
    hint: `'Give 1 to ${MAX_TEXT_BYTES} bytes of text, or leave it out.'`,
  })
}

function metadataProblem(): string {
  return unless(
    `metadata is null or jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= ${MAX_METADATA_BYTES}`,
    {
      errcode: 'PB013',
      message: `format('The metadata of an event of type "%s" is malformed.', ${TYPE})`,
      detail: `format('It is a JSON %s of %s bytes.', jsonb_typeof(metadata), octet_length(metadata::text))`,
      hint: `'Give a JSON object of at most ${MAX_METADATA_BYTES} bytes.'`,
    },
  )
}

/** Times have to be in the years 1 to 9999: a Date of JavaScript writes other years in a way that Postgres does not read. */
function times(): string {
  const isStorable = (time: string) =>
    `isfinite(${time}) and ${time} >= '0001-01-01 00:00:00+00' and ${time} < '10000-01-01 00:00:00+00'`
  return `${unless(isStorable('occurred'), {
    errcode: 'PB013',
    message: `format('The occurred_at of an event of type "%s" is malformed.', ${TYPE})`,
    detail: `format('It is %s.', occurred)`,
    hint: `'Give a time of the years 1 to 9999, or leave it out.'`,
  })}
  if ttl is not null then expires := occurred + ttl;
  elsif known.ttl_ms is not null then expires := occurred + known.ttl_ms * interval '1 ms';
  end if;
  ${unless(`expires is null or expires > occurred and ${isStorable('expires')}`, {
    errcode: 'PB013',
    message: `format('The ttl of an event of type "%s" is malformed.', ${TYPE})`,
    detail: `format('It is %s.', coalesce(ttl::text, known.ttl_ms || ' ms'))`,
    hint: `'Give an interval that is longer than nothing and ends before the year 10000, or leave it out.'`,
  })}`
}

function dueProblem(clock: string): string {
  return `if delay is not null or at is not null then
    ${unless(
      `(delay is null or at is null) and (delay is null or delay >= interval '0' and delay <= interval '${MOST_DAYS} days')
      and (at is null or isfinite(at) and at <= ${clock} + interval '${MOST_DAYS} days')`,
      {
        errcode: 'PB013',
        message: `format('It cannot be said when an event of type "%s" is due.', ${TYPE})`,
        detail: `format('delay is %s, and at is %s.', coalesce(delay::text, 'null'), coalesce(at::text, 'null'))`,
        hint: `'Give one of them: an interval from 0 to ${MOST_DAYS} days, or a time that is at most ${MOST_DAYS} days ahead.'`,
      },
    )}
    if delay is not null and delay > interval '0' then
      later := jsonb_build_object('delay_ms', extract(epoch from delay) * 1000);
    elsif at is not null then
      later := jsonb_build_object('at', at);
    end if;
    ${unless(`later is null or partition_key is null or listening.ordered is null`, {
      errcode: 'PB016',
      message: `format('An event of type "%s" has a partition_key, and cannot be published for later.', ${TYPE})`,
      detail: `format('Handler "%s" gets the events of a key in the order of publishing.', listening.ordered)`,
      hint: `'Give what is delayed an event type of its own, without a key, or the handler ordered: false.'`,
    })}
  end if;`
}
