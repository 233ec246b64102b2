/**
 * The steps of a store as Lua: each runs alone on the server.
 *
 * Every key of a tenant begins with `KEYS[1]`, which holds the tenant in braces, so that a cluster keeps all of them in one slot
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags, read 2026-11-27). Under it:
 *
 * | key | what |
 * |---|---|
 * | `:r:KIND:ID` | hash of a row: `v` version, `p` place, `r` record, `k` index keys, `q` queue, `t` takes, `w` the write that made it so |
 * | `:a:KIND`, `:i:KIND:INDEX:VALUE` | sorted sets of places, all of score 0 and so in order of their bytes |
 * | `:q:KIND:QUEUE` | sorted set of places by the moment at which they are due |
 * | `:e:ID`, `:k:KEY`, `:due` | an event; the ids of a key's events; the first event of each key by the moment at which it is due |
 * | `:c:KIND:ID` | hash of a cell: `h` holder, `f` fence, `u` until, `r` record |
 *
 * A place is `at` as 16 digits, a colon and the id.
 *
 * @module
 */

const PRELUDE = `
local P = KEYS[1]
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
local function num(n) return string.format('%.0f', n) end
local function idOf(place) return string.sub(place, 18) end
local function promote(key)
  local head = redis.call('ZRANGE', P..':k:'..key, 0, 0)[1]
  if head then redis.call('ZADD', P..':due', 0, redis.call('HGET', P..':e:'..head, 'm')) end
end
`

/** ARGV: kind, id. */
const GET = `return redis.call('HMGET', P..':r:'..ARGV[1]..':'..ARGV[2], 'v', 'p', 'r', 't')`

/** ARGV: kind, index key or '', 'ascending' or 'descending', from, to, limit. */
const LIST = `
local set = ARGV[2] == '' and P..':a:'..ARGV[1] or P..':i:'..ARGV[1]..':'..ARGV[2]
local places
if ARGV[3] == 'ascending' then places = redis.call('ZRANGEBYLEX', set, ARGV[4], ARGV[5], 'LIMIT', 0, ARGV[6])
else places = redis.call('ZREVRANGEBYLEX', set, ARGV[5], ARGV[4], 'LIMIT', 0, ARGV[6]) end
local rows = {}
for _, place in ipairs(places) do
  rows[#rows + 1] = redis.call('HMGET', P..':r:'..ARGV[1]..':'..idOf(place), 'v', 'p', 'r', 't')
end
return rows`

/** ARGV: kind, index key or '', from, to. */
const COUNT = `
local set = ARGV[2] == '' and P..':a:'..ARGV[1] or P..':i:'..ARGV[1]..':'..ARGV[2]
return redis.call('ZLEXCOUNT', set, ARGV[3], ARGV[4])`

/** Writes a row that is as expected, and its events. A client that sends it again after a lost answer finds its own name in \`w\`. */
const WRITE_ROW = `
local function writeRow(kind, id, when, write, put, events)
  local row = P..':r:'..kind..':'..id
  local was = redis.call('HMGET', row, 'v', 'p', 'k', 'q', 'w')
  if when == 'absent' then
    if was[1] then return was[5] == write and 1 or 0 end
  elseif was[1] ~= when then
    return was[1] and was[5] == write and 1 or 0
  end
  local place = was[2] or put.place
  local old = was[3] and cjson.decode(was[3]) or {}
  local fresh = put and cjson.decode(put.keys) or {}
  for index, value in pairs(old) do
    if fresh[index] ~= value then redis.call('ZREM', P..':i:'..kind..':'..index..':'..value, place) end
  end
  if was[4] and was[4] ~= '' then redis.call('ZREM', P..':q:'..kind..':'..was[4], place) end
  if put then
    for index, value in pairs(fresh) do
      if old[index] ~= value then redis.call('ZADD', P..':i:'..kind..':'..index..':'..value, 0, place) end
    end
    if not was[1] then redis.call('ZADD', P..':a:'..kind, 0, place) end
    if put.queue ~= '' then redis.call('ZADD', P..':q:'..kind..':'..put.queue, put.due, place) end
    redis.call('HSET', row, 'v', num((tonumber(was[1]) or 0) + 1), 'p', place, 'r', put.record, 'k', put.keys, 'q', put.queue, 'w', write)
  else
    redis.call('ZREM', P..':a:'..kind, place)
    redis.call('DEL', row)
  end
  for _, e in ipairs(events) do
    redis.call('HSET', P..':e:'..e.id, 'key', e.key, 'at', e.at, 'r', e.record, 'm', e.place, 'v', '1', 't', '0')
    redis.call('ZADD', P..':k:'..e.key, 0, e.id)
    if redis.call('ZCARD', P..':k:'..e.key) == 1 then redis.call('ZADD', P..':due', 0, e.place) end
  end
  return 1
end
`

/** ARGV: kind, id, when, write, 'put' or '', place, record, keys, queue, due, events. */
const WRITE = `${WRITE_ROW}
local put = nil
if ARGV[5] == 'put' then put = { place = ARGV[6], record = ARGV[7], keys = ARGV[8], queue = ARGV[9], due = ARGV[10] } end
return writeRow(ARGV[1], ARGV[2], ARGV[3], ARGV[4], put, cjson.decode(ARGV[11]))`

/** ARGV: kind, id, write, place, record, keys, index key that counts, then for each cap: max, window, from. */
const ADD_CAPPED = `${WRITE_ROW}
if redis.call('EXISTS', P..':r:'..ARGV[1]..':'..ARGV[2]) == 1 then return { 'exists' } end
local set = P..':i:'..ARGV[1]..':'..ARGV[7]
local full, room = {}, 0
for i = 8, #ARGV, 3 do
  local max, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local held = redis.call('ZLEXCOUNT', set, ARGV[i + 2], '+')
  if held >= max then
    full[#full + 1] = num((i - 8) / 3)
    local leaving = redis.call('ZRANGEBYLEX', set, ARGV[i + 2], '+', 'LIMIT', held - max, 1)[1]
    room = math.max(room, tonumber(string.sub(leaving, 1, 16)) - 1e15 + window)
  end
end
if #full > 0 then return { 'refused', num(room), unpack(full) } end
writeRow(ARGV[1], ARGV[2], 'absent', ARGV[3], { place = ARGV[4], record = ARGV[5], keys = ARGV[6], queue = '', due = '0' }, {})
return { 'added' }`

/** ARGV: kind, queue, limit, visibility, now or ''. */
const TAKE = `
local now = clock(ARGV[5])
local set = P..':q:'..ARGV[1]..':'..ARGV[2]
local rows = {}
for _, place in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', num(now), 'LIMIT', 0, ARGV[3])) do
  local row = P..':r:'..ARGV[1]..':'..idOf(place)
  redis.call('HINCRBY', row, 'v', 1)
  redis.call('HINCRBY', row, 't', 1)
  redis.call('HSET', row, 'w', '')
  redis.call('ZADD', set, num(now + tonumber(ARGV[4])), place)
  rows[#rows + 1] = redis.call('HMGET', row, 'v', 'p', 'r', 't')
end
return rows`

/** ARGV: limit, visibility, now or ''. */
const TAKE_EVENTS = `
local now = clock(ARGV[3])
local taken = {}
for _, place in ipairs(redis.call('ZRANGEBYSCORE', P..':due', '-inf', num(now), 'LIMIT', 0, ARGV[1])) do
  local event = P..':e:'..idOf(place)
  redis.call('HINCRBY', event, 'v', 1)
  redis.call('HINCRBY', event, 't', 1)
  redis.call('ZADD', P..':due', num(now + tonumber(ARGV[2])), place)
  local fields = redis.call('HMGET', event, 'key', 'v', 'at', 'r', 't')
  fields[#fields + 1] = idOf(place)
  taken[#taken + 1] = fields
end
return taken`

/** ARGV: key, after or '', limit. */
const LIST_EVENTS = `
local from = ARGV[2] == '' and '-' or '('..ARGV[2]
local events = {}
for _, id in ipairs(redis.call('ZRANGEBYLEX', P..':k:'..ARGV[1], from, '+', 'LIMIT', 0, ARGV[3])) do
  local fields = redis.call('HMGET', P..':e:'..id, 'key', 'v', 'at', 'r', 't')
  fields[#fields + 1] = id
  events[#events + 1] = fields
end
return events`

/** ARGV: id, version, 'forget' | 'defer' | 'park' | 'rewrite', due or place or '', record, index keys of what is parked. */
const SETTLE_EVENT = `${WRITE_ROW}
local event = P..':e:'..ARGV[1]
local was = redis.call('HMGET', event, 'v', 'key', 'm')
if was[1] ~= ARGV[2] then return 0 end
if ARGV[3] == 'defer' then
  redis.call('HINCRBY', event, 'v', 1)
  redis.call('ZADD', P..':due', ARGV[4], was[3])
  return 1
end
if ARGV[3] == 'rewrite' then
  redis.call('HINCRBY', event, 'v', 1)
  redis.call('HSET', event, 'r', ARGV[5])
  return 1
end
if ARGV[3] == 'park' then
  writeRow('parked-events', ARGV[1], 'absent', '', { place = ARGV[4], record = ARGV[5], keys = ARGV[6], queue = '', due = '0' }, {})
end
redis.call('DEL', event)
redis.call('ZREM', P..':k:'..was[2], ARGV[1])
if redis.call('ZREM', P..':due', was[3]) == 1 then promote(was[2]) end
return 1`

/** ARGV: kind, id, now or ''. */
const GET_CELL = `
local cell = redis.call('HMGET', P..':c:'..ARGV[1]..':'..ARGV[2], 'h', 'f', 'u', 'r')
if not cell[1] or tonumber(cell[3]) <= clock(ARGV[3]) then return {} end
return cell`

/** ARGV: kind, id, when, holder, new holder, 'record' or '', record, ttl or '', now or '', how long to keep what ran out. */
const SWAP_CELL = `
local key = P..':c:'..ARGV[1]..':'..ARGV[2]
local now = clock(ARGV[9])
local was = redis.call('HMGET', key, 'h', 'f', 'u', 'r')
local is = was[1] and true or false
local live = is and tonumber(was[3]) > now
local mine = is and was[1] == ARGV[4]
local when = ARGV[3]
local fits = when == 'any' or (when == 'free' and (not live or mine)) or (when == 'held' and live and mine)
  or (when == 'kept' and mine) or (when == 'held-by-other' and live and not mine)
local before = is and { was[1], was[2], was[3], was[4] or '', live and '1' or '0' } or {}
if not fits then return { 0, before, before } end
local fence = live and was[2] or num(math.max((tonumber(was[2]) or 0) + 1, now))
local untilAt = ARGV[8] == '' and (was[3] or num(now)) or num(now + tonumber(ARGV[8]))
local record = ARGV[6] == 'record' and ARGV[7] or (was[4] or '')
redis.call('HSET', key, 'h', ARGV[5], 'f', fence, 'u', untilAt, 'r', record)
redis.call('PEXPIRE', key, num(math.max(0, tonumber(untilAt) - now) + tonumber(ARGV[10])))
return { 1, before, { ARGV[5], fence, untilAt, record } }`

/** Every script by the step that it is. */
export const SCRIPTS = {
  get: PRELUDE + GET,
  list: PRELUDE + LIST,
  count: PRELUDE + COUNT,
  write: PRELUDE + WRITE,
  addCapped: PRELUDE + ADD_CAPPED,
  take: PRELUDE + TAKE,
  takeEvents: PRELUDE + TAKE_EVENTS,
  listEvents: PRELUDE + LIST_EVENTS,
  settleEvent: PRELUDE + SETTLE_EVENT,
  getCell: PRELUDE + GET_CELL,
  swapCell: PRELUDE + SWAP_CELL,
} as const
