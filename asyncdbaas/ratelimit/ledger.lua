-- One exchange between a worker and the ledger of the quota that all workers of a token share.
--
-- KEYS[1]: the ledger, a hash: `state` holds what all workers share, one field for each worker what belongs to it. Both
--   are packed. The name is that of a channel, too, on which the ledger calls the workers when it has lost its data.
-- KEYS[2]: the responses that still count, by time.
-- KEYS[3]: the workers, by the time at which the ledger has to act if it does not hear from them.
-- KEYS[4]: the workers that wait, by the time at which they lose their place unless they come back.
-- KEYS[5], KEYS[6]: those that wait with interactive and with bulk calls, by the number of permits that they have had.
-- ARGV[1]: the worker's report, as JSON. Returns the reply, as JSON. Times are microseconds of the server's clock, which
--   never goes back here; what crosses the wire are spans.
--
-- A request counts as long as it is in flight, and for a minute and an hour from its response. A worker reports how many
-- are in flight, so that a lost reply loses no permit, and numbers its responses, so that a report may be repeated.
-- Sums are kept as sums: the cost of an exchange does not depend on the number of workers.

local FORMAT = 3
local LEDGER, RESPONSES, DEADLINES, WAITING = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local QUEUES = {interactive = KEYS[5], bulk = KEYS[6]}
-- Workers that one exchange expires at most.
local BATCH = 16

local report = cjson.decode(ARGV[1])
local id, minute, hour = report.worker, report.minute, report.hour
local now, state, me

local function after(moment)
  return string.format('(%.0f', moment)
end

-- Reading and writing ---------------------------------------------------------------------------------------------

local function unpack_field(field)
  if not field then
    return nil
  end
  local readable, value = pcall(cmsgpack.unpack, field)
  return readable and type(value) == 'table' and value or nil
end

local function read_worker(worker)
  return unpack_field(redis.call('HGET', LEDGER, worker))
end

local function write_worker(worker, record)
  redis.call('HSET', LEDGER, worker, cmsgpack.pack(record))
end

local function cards()
  local sizes = {}
  for place = 2, 6 do
    sizes[place - 1] = redis.call('ZCARD', KEYS[place])
  end
  return sizes
end

-- Whether a key was evicted or deleted while others were not.
local function is_torn(sizes)
  for place, size in ipairs(cards()) do
    if sizes[place] ~= size then
      return true
    end
  end
  return false
end

-- Whether this report contains all that its worker has used.
local function is_complete()
  return report.restoring or not report.epoch
end

-- Whether the server has lost exchanges, as a replica that lagged when it became the primary. A worker tells the number
-- of its last report that had a reply, as long as the ledger keeps it.
local function is_older_than_reply()
  return report.epoch == state.epoch and report.replied > (me and me.sequence or 0)
end

-- Starts a new ledger. If workers have used an earlier one, what they may have used is kept for them, until all of them
-- have reported or a minute has passed. This worker is one of them unless its report is complete.
local function start_ledger()
  cards()  -- raises an error if a key holds data of another application
  redis.call('DEL', unpack(KEYS))
  local epoch = id .. report.sequence
  local missing = math.max(0, redis.call('PUBLISH', LEDGER, epoch) - 1)  -- this worker listens, too
  if report.epoch then
    missing = math.max(missing, report.workers - 1)
  end
  local used = is_complete() and report.used or 0
  if not is_complete() then
    missing = missing + 1
  end
  state = {
    format = FORMAT, epoch = epoch, offset = 0, last = 0, alive = 0, in_flight = 0, interactive = 0, reserved = 0,
    served = {interactive = 0, bulk = 0}, paused = 0, others = 0, others_at = 0, hour_others = 0, hour_others_at = 0,
    missing = missing, lost = missing > 0 and report.per_minute - used or 0, lost_at = 0,
    settled_at = 0,
  }
end

-- Returns by how much the server's clock was set back and forward since the last exchange. It was set forward if more
-- time has passed here than for the worker, but no more than since the last exchange: the worker may have been suspended.
local function read_clock()
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2] + state.offset
  local back, forward = math.max(0, state.last - now), 0
  if me and report.elapsed > 0 then
    forward = math.min(now - me.seen - report.elapsed, now - state.last)
  end
  forward = forward > report.tolerance and forward or 0
  state.offset, now = state.offset + back - forward, now + back - forward
  state.last = now
  return back, forward
end

-- A server that has just been started may have had data before; those who know it come back soon.
local function settle()
  local uptime = string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')
  state.lost_at, state.settled_at = now, now + report.settling - (tonumber(uptime) or 0) * 1000000
end

-- Workers that wait -----------------------------------------------------------------------------------------------

local function leave_queues(worker, record)
  for class, queue in pairs(QUEUES) do
    if record[class] > 0 and record.queued then
      redis.call('ZREM', queue, worker)
      state.served[class] = state.served[class] - record.served
    end
  end
  if record.queued then
    redis.call('ZREM', WAITING, worker)
    state.interactive = state.interactive - record.interactive
  end
  record.queued = false
end

local function join_queues(worker, record)
  for class, queue in pairs(QUEUES) do
    if record[class] > 0 then
      redis.call('ZADD', queue, record.served, worker)
      state.served[class] = state.served[class] + record.served
      record.queued = true
    end
  end
  if record.queued then
    state.interactive = state.interactive + record.interactive
  end
end

-- Those that do not come back when they were told to lose their place, so that they hold up nobody.
local function drop_overdue()
  local overdue = redis.call('ZRANGEBYSCORE', WAITING, '-inf', string.format('%.0f', now), 'LIMIT', 0, BATCH)
  for _, worker in ipairs(overdue) do
    local record = worker ~= id and read_worker(worker)
    if record then
      leave_queues(worker, record)
      write_worker(worker, record)
    end
  end
end

-- Workers that are silent -----------------------------------------------------------------------------------------

local function reserve(record, permits)
  state.reserved = state.reserved + permits - record.reserved
  record.reserved = permits
end

-- What is in flight counts as answered now.
local function count_as_answered(worker, record, moment)
  for number = 1, record.in_flight do
    redis.call('ZADD', RESPONSES, moment, worker .. 'x' .. number)
  end
  state.in_flight = state.in_flight - record.in_flight
  record.expired, record.in_flight = record.in_flight, 0
end

-- A worker that is silent for the length of a lease has crashed, or cannot reach the server. What it has in flight counts
-- as answered. If it was at work, its part of the quota is kept for it: it may go on with that.
local function expire(worker, record)
  local silent_since = record.seen + report.lease
  if record.stage == 'alive' or record.stage == 'alone' then
    local is_busy = record.in_flight + record.interactive + record.bulk > 0 and record.part < report.per_minute
    local at_work = record.stage == 'alone' or is_busy
    leave_queues(worker, record)
    state.alive = state.alive - (record.stage == 'alive' and 1 or 0)
    count_as_answered(worker, record, silent_since)
    reserve(record, at_work and math.max(0, record.part - record.expired) or 0)
    record.stage, record.at_work = 'silent', at_work
  elseif record.stage == 'silent' and record.at_work then
    reserve(record, record.part)
    record.stage = 'reserved'
  else
    reserve(record, 0)
    return nil
  end
  return record.stage == 'silent' and silent_since + minute or record.seen + report.keep
end

local function expire_workers()
  for _ = 1, BATCH do
    local worker = redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', string.format('%.0f', now), 'LIMIT', 0, 1)[1]
    if not worker then
      return
    end
    local record = read_worker(worker)
    local deadline = record and expire(worker, record)
    if deadline then
      write_worker(worker, record)
      redis.call('ZADD', DEADLINES, deadline, worker)
    else
      redis.call('HDEL', LEDGER, worker)
      redis.call('ZREM', DEADLINES, worker)
    end
  end
end

-- It was not gone, and reports itself what became of its requests.
local function revive(record)
  for number = 1, record.expired do
    redis.call('ZREM', RESPONSES, id .. 'x' .. number)
  end
  reserve(record, 0)
  if record.stage ~= 'alive' then
    state.alive = state.alive + 1
  end
  record.expired, record.stage = 0, 'alive'
end

-- How the quota is used -------------------------------------------------------------------------------------------

local function used(span)
  return state.in_flight + redis.call('ZCOUNT', RESPONSES, after(now - span), '+inf')
end

-- What other clients hold of the minute, as a refusal showed. Half a minute later it is probed: 1, 3, 7, 15 ... of it.
local function held_of_minute()
  local steps = math.floor((now - state.others_at - minute / 2) / (minute / 12)) + 1
  return math.max(0, state.others - (steps > 0 and 2 ^ math.min(steps, 30) - 1 or 0))
end

-- What other clients hold of the hour. The next response corrects it; without one, one request a minute may try.
local function held_of_hour()
  return math.max(0, state.hour_others - math.floor((now - state.hour_others_at) / minute))
end

-- What is kept for workers that are silent or cut off. The others keep their even part, and a quarter at least: a worker that
-- crashes again and again must not stop them.
local function kept()
  local missing = now < state.lost_at + report.keep and state.missing or 0
  local part = math.floor(report.per_minute / (state.alive + math.max(1, missing)))
  local parts = now >= state.lost_at + minute and missing * part or 0
  local all = redis.call('ZCARD', DEADLINES) + missing
  local most = report.per_minute * (1 - math.max(0.25, state.alive / math.max(1, all)))
  return math.min(math.ceil(most), state.reserved + parts)
end

local function room_now()
  local lost = now < state.lost_at + minute and state.lost or 0
  local of_minute = report.per_minute - used(minute) - lost - kept() - held_of_minute()
  return of_minute, report.per_hour - used(hour) - kept() - held_of_hour()
end

-- What the worker reports -----------------------------------------------------------------------------------------

-- A worker that the ledger has called when it lost its data, or that has used the quota before, has reported.
local function recover()
  if not me.recovered and (report.restoring or now - report.subscribed <= state.lost_at) then
    me.recovered = true
    state.missing = math.max(0, state.missing - 1)
    state.lost = state.missing > 0 and math.max(0, state.lost - report.used) or 0
  end
end

local function learn()
  if report.remaining then
    state.hour_others = math.max(0, report.per_hour - used(hour) - report.remaining)
    state.hour_others_at = now
  end
  local refusal = report.refusal
  if not refusal then
    return
  end
  state.paused = math.max(state.paused, now + refusal.pause)
  if refusal.hourly then
    state.hour_others = math.max(0, report.per_hour - used(hour))
    state.hour_others_at = now
  else
    state.others = math.max(held_of_minute(), report.per_minute - used(minute))
    state.others_at = now
  end
end

-- Sharing ---------------------------------------------------------------------------------------------------------

-- A worker that begins to wait ranks near the one that has had least: what it took in the last minute counts against it,
-- no more, and for not having been there it gets a worker's part of a minute, no more.
local function rank(record)
  local least
  for _, queue in pairs(QUEUES) do
    local first = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')
    if first[2] then
      least = math.min(least or math.huge, tonumber(first[2]))
    end
  end
  if least then
    local part = math.floor(report.per_minute / math.max(1, state.alive))
    record.served = math.min(math.max(record.served, least - part), least + report.used)
  end
end

-- Returns how many of the free permits are this worker's, if all that wait get even parts over time and those that have
-- had fewer go first: `level` is what each of them has had once the free ones are handed out.
local function part_of(class, free, most)
  if free <= 0 then
    return 0
  end
  local queue = QUEUES[class]
  local size, ahead = redis.call('ZCARD', queue), redis.call('ZRANK', queue, id)
  local gap = (free + state.served[class]) / size - me.served
  if gap <= 0 then
    return 0
  end
  local part = math.min(me[class], most, math.ceil(gap), free - ahead * math.max(1, math.floor(gap)))
  if me.begins and state.alive > size then
    part = math.min(part, math.max(1, math.floor(free / state.alive)))  -- others may be about to ask
  end
  return math.max(0, part)
end

-- Returns how many permits have to be free before the next one is this worker's.
local function place_of(class)
  local queue = QUEUES[class]
  local size, ahead = redis.call('ZCARD', queue), redis.call('ZRANK', queue, id)
  return math.max(ahead + 1, math.floor(size * me.served - state.served[class]) + 1)
end

local function take(class, free, most)
  local part = me[class] > 0 and part_of(class, free, most) or 0
  if part > 0 then
    leave_queues(id, me)
    me[class], me.served, me.in_flight = me[class] - part, me.served + part, me.in_flight + part
    state.in_flight = state.in_flight + part
    join_queues(id, me)
  end
  return part
end

-- The earliest time at which so many more requests may be sent as are missing.
local function opens(span, missing)
  if missing <= 0 then
    return now
  end
  local found = redis.call(
    'ZRANGEBYSCORE', RESPONSES, after(now - span), '+inf', 'WITHSCORES', 'LIMIT', missing - 1, 1)
  return (found[2] and tonumber(found[2]) or math.huge) + span
end

local function next_time(of_minute, of_hour)
  local class = me.interactive > 0 and 'interactive' or 'bulk'
  local place = place_of(class) + (class == 'bulk' and state.interactive or 0)
  local free = math.max(opens(minute, place - of_minute), opens(hour, place - of_hour), state.paused)
  local soon, late = now + minute / 200, now + (held_of_minute() > 0 and minute / 12 or minute / 4)
  if of_minute > 0 then  -- kept for workers that go first, as long as they do not lose their place
    local first = redis.call('ZRANGE', WAITING, 0, 0, 'WITHSCORES')
    late = math.min(late, first[2] and tonumber(first[2]) or math.huge)
  end
  return math.max(soon, math.min(free, late))
end

local function grant()
  if me.interactive + me.bulk == 0 then
    return 0
  end
  local of_minute, of_hour = room_now()
  local held_until = math.max(state.paused, state.settled_at)
  local free = held_until > now and 0 or math.min(of_minute, of_hour)
  local granted = take('interactive', free, report.batch)
  granted = granted + take('bulk', free - granted - state.interactive, report.batch - granted)
  if me.interactive + me.bulk > 0 then
    if granted == report.batch then
      me.due = now
    elseif held_until > now and held_until == state.settled_at then
      me.due = held_until
    else
      me.due = next_time(of_minute - granted, of_hour - granted)
    end
    redis.call('ZADD', WAITING, me.due + report.grace, id)
  end
  return granted
end

-- The exchange ----------------------------------------------------------------------------------------------------

local function enter()
  local waited = me.interactive + me.bulk > 0
  revive(me)
  leave_queues(id, me)
  state.in_flight = state.in_flight + report.in_flight - me.in_flight
  me.sequence, me.seen, me.in_flight = report.sequence, now, report.in_flight
  me.interactive, me.bulk = report.alone and 0 or report.interactive, report.alone and 0 or report.bulk
  for number, age in ipairs(report.ages) do
    redis.call('ZADD', RESPONSES, now - age, id .. ':' .. (report.first + number - 1))
  end
  me.begins = not waited
  if me.begins and me.interactive + me.bulk > 0 then
    rank(me)
  end
  join_queues(id, me)
  redis.call('ZADD', DEADLINES, now + report.lease, id)
end

-- What the worker may send without the ledger: for the first minute no more than it uses already, or its part of what
-- is free now if no other worker has used any; then an even part. Returns its part of what is free.
local function share(granted)
  local workers = redis.call('ZCARD', DEADLINES)
  local waiting, used = redis.call('ZCARD', WAITING) - (me.queued and 1 or 0), used(minute)
  local others_work = waiting > 0 or used > report.used + granted
  local free = others_work and 0 or math.max(0, math.floor((report.per_minute - used) / workers))
  me.part = math.max(1, math.floor(report.per_minute / workers))
  if report.alone then
    me.stage, me.part = 'alone', report.part
    state.alive = state.alive - 1
    reserve(me, report.alone)
  end
  return free
end

local function leave()
  leave_queues(id, me)
  count_as_answered(id, me, now)
  state.alive = state.alive - 1
  redis.call('HDEL', LEDGER, id)
  redis.call('ZREM', DEADLINES, id)
end

local function close_ledger()
  redis.call('ZREMRANGEBYSCORE', RESPONSES, '-inf', string.format('%.0f', now - hour))
  state.cards = cards()
  redis.call('HSET', LEDGER, 'state', cmsgpack.pack(state))
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, math.ceil(hour / 1000))
  end
end

-- A right that is missing should show at the first call, not in the middle of the work.
local function try_rights()
  redis.call('ZADD', RESPONSES, 'XX', 0, '')
  redis.call('ZREM', RESPONSES, '')
  redis.call('ZRANGEBYSCORE', RESPONSES, 0, 0)
  redis.call('ZRANGE', RESPONSES, 0, 0)
  redis.call('ZRANK', RESPONSES, '')
  redis.call('HDEL', LEDGER, '')
  redis.call('PUBLISH', LEDGER .. ':rights', '')
end

if report.sequence == 1 then
  try_rights()
end
state = unpack_field(redis.call('HGET', LEDGER, 'state'))
if not state and redis.call('EXISTS', LEDGER) == 1 or state and state.format ~= FORMAT then
  return redis.error_reply('FORMAT of the ledger is another')
end
me = state and read_worker(id)
if me and report.sequence <= me.sequence then
  return redis.error_reply('STALE report')
end
local is_new = not state or is_torn(state.cards) or is_older_than_reply()
if is_new then
  start_ledger()
  me = nil
end
local set_back, set_forward = read_clock()
if set_forward > 0 and not report.again then
  return cjson.encode({again = true})  -- more likely, the report was long on its way; nothing is written yet
end
if is_new then
  settle()
end
expire_workers()
drop_overdue()
me = read_worker(id) or {
  sequence = 0, served = 0, in_flight = 0, interactive = 0, bulk = 0, due = 0, expired = 0, reserved = 0, part = 0,
  stage = 'new', queued = false, recovered = is_new and is_complete(),
}
enter()
learn()
local granted, free = 0, 0
if report.leaving then
  leave()
else
  if is_complete() or report.epoch == state.epoch then
    recover()
    granted = report.alone and 0 or grant()
  end  -- else the worker has to report first what this ledger does not know
  free = share(granted)
  write_worker(id, me)
end
close_ledger()
return cjson.encode({
  granted = granted, interactive = me.interactive, bulk = me.bulk, wait = math.max(0, me.due - now),
  workers = redis.call('ZCARD', DEADLINES), used = used(minute), epoch = state.epoch, part = me.part, free = free,
  set_back = set_back, set_forward = set_forward,
})
