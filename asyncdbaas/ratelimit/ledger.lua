-- One exchange between a worker and the ledger, which counts the requests of all workers on one token.
--
-- A worker reports what it has in flight, which responses it got and how many calls wait. The reply grants permits, and
-- tells when to ask again. A request counts while it is in flight, and for a minute and an hour from its response.
--
-- KEYS[1]  ledger       hash: the field `state` holds what all workers share, one more field for each worker its record
-- KEYS[2]  responses    zset: responses that still count in the hour, by time; `worker:number` names one
-- KEYS[3]  deadlines    zset: workers, by the time at which to act if they have not reported until then
-- KEYS[4]  waiting      zset: workers with calls that wait, by the time at which they lose their place
-- KEYS[5]  interactive  zset: those with interactive calls that wait, by how many permits they have had
-- KEYS[6]  bulk         zset: the same for bulk calls
-- ARGV[1]  the report as JSON (`Worker.report` in lease.py); the script returns the reply as JSON (`Reply` there).
--
-- The name of KEYS[1] is that of a channel, too: a ledger that has lost its data calls the workers there.
--
-- Times are microseconds of the server's clock, corrected so that they never go back. Only spans cross the wire, so that
-- the clocks of workers do not matter. A worker reports totals (`in_flight`) and numbers its responses, so that nothing
-- is lost or counted twice if a reply is lost and the report is repeated. Sums over workers are kept in `state`, so that
-- an exchange costs the same however many workers there are.
--
-- `state`    in_flight, interactive, alive    sums over workers: requests in flight, calls that wait, workers that report
--            served                           sums of the scores of both queues
--            promised, reserved               sums over workers, see "Workers that fall silent"
--            others, hour_others (.._at)      what other clients of the token use of the minute and of the hour
--            paused                           until when nobody sends, after a refusal
--            epoch, lost, missing, lost_at    which ledger this is; what an earlier one may have granted, to how many
--            settled_at                       until when a server that has just been started grants nothing
--            offset, last                     the correction of the clock, and its last time
--            cards                            sizes of KEYS[2..6], by which a lost key is noticed
-- record     sequence, seen, since            number and time of the last report, time of the first one
--            stage                            alive, alone, silent or reserved
--            in_flight, interactive, bulk     as reported, and changed by what was granted
--            queued, served, due              whether it is in the queues, its score, when it was told to ask again
--            part, kept, promised             what it may do without the ledger, see there
--            claim, reserved, expired         what is held for it while it is silent
--            recovered                        whether it has reported since the ledger lost its data

local FORMAT = 4
-- Workers that one exchange expires at most.
local BATCH = 16

local LEDGER, RESPONSES, DEADLINES, WAITING = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local QUEUES = {interactive = KEYS[5], bulk = KEYS[6]}

local report = cjson.decode(ARGV[1])
local id, minute, hour = report.worker, report.minute, report.hour
local now, state, me

-- Reading and writing

local function exact(moment)
  return string.format('%.0f', moment)  -- Lua would write a large number with an exponent, and round it
end

local function after(moment)
  return '(' .. exact(moment)
end

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

local function forget_worker(worker)
  redis.call('HDEL', LEDGER, worker)
  redis.call('ZREM', DEADLINES, worker)
end

local function first_score(key)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2]) or math.huge
end

local function due_members(key, count)
  return redis.call('ZRANGEBYSCORE', key, '-inf', exact(now), 'LIMIT', 0, count)
end

-- A right that is missing should show at the first call of a worker, not when the command is first needed.
local function try_rights()
  redis.call('ZADD', RESPONSES, 'XX', 0, '')
  redis.call('ZREM', RESPONSES, '')
  redis.call('ZRANGEBYSCORE', RESPONSES, 0, 0)
  redis.call('ZRANGE', RESPONSES, 0, 0)
  redis.call('ZRANK', RESPONSES, '')
  redis.call('HDEL', LEDGER, '')
  redis.call('PUBLISH', LEDGER .. ':rights', '')
end

-- Lost data

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

-- Starts a new ledger. If workers have used an earlier one, the whole minute is held for what they may have used, until
-- all of them have reported or a minute has passed. This worker is one of them unless its report is complete.
local function start_ledger()
  cards()  -- raises an error if a key holds data of another application
  redis.call('DEL', unpack(KEYS))
  local epoch = id .. report.sequence
  local missing = math.max(0, redis.call('PUBLISH', LEDGER, epoch) - 1)  -- this worker listens, too
  if report.epoch then
    missing = math.max(missing, report.workers - 1)
  end
  local used = report.used
  if not is_complete() then
    missing, used = missing + 1, 0
  end
  state = {
    format = FORMAT, epoch = epoch, offset = 0, last = 0, alive = 0, in_flight = 0, interactive = 0, promised = 0,
    reserved = 0, served = {interactive = 0, bulk = 0}, paused = 0, others = 0, others_at = 0, hour_others = 0,
    hour_others_at = 0, missing = missing, lost = missing > 0 and report.per_minute - used or 0, lost_at = 0,
    settled_at = 0,
  }
end

-- A server that has just been started may have had data before; those who know it come back soon.
local function settle()
  local uptime = string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')
  state.lost_at, state.settled_at = now, now + report.settling - (tonumber(uptime) or 0) * 1000000
end

-- Counts a worker as recovered if its report is complete, or if it listened when the ledger lost its data: then it has
-- heard the call, and this is its answer.
local function recover()
  if not me.recovered and (report.restoring or now - report.subscribed <= state.lost_at) then
    me.recovered = true
    state.missing = math.max(0, state.missing - 1)
    state.lost = state.missing > 0 and math.max(0, state.lost - report.used) or 0
  end
end

-- The clock

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

-- The queues

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

-- A worker that does not ask again when it was told to loses its place, so that it holds up nobody.
local function drop_overdue()
  for _, worker in ipairs(due_members(WAITING, BATCH)) do
    local record = worker ~= id and read_worker(worker)
    if record then
      leave_queues(worker, record)
      write_worker(worker, record)
    end
  end
end

-- Workers that fall silent
--
-- A worker that is silent for a lease may be gone, frozen, or cut off from the server and sending on its own. It must not
-- matter which, so a worker that cannot reach the server does only what is held for it here (`CutOff` in states.py):
--
-- 1. It sends nothing for a lease after the failure. By then it has expired here.
-- 2. Its claim is what it then has in use, and what it was promised as part of a quiet quota. It may use that again and
--    again. What others were granted before then no longer counts a minute later.
-- 3. After a minute and a lease of that, the ledger holds its even part, and another minute later the worker may use it.
--    If it was idle, it stops, and must assume that the others use everything.
--
-- What a worker sends counts for a minute, so everything is held for a minute longer than the worker may use it.
--
-- So a worker that is frozen for a minute and a half costs the others what it had in use, not its part. More is not
-- possible: nothing that the ledger sees tells a frozen worker from one that is cut off.

local function hold(record, field, permits)
  state[field] = state[field] + permits - record[field]
  record[field] = permits
end

-- How many of a worker's responses count in the minute at a time to come.
local function counting(worker, moment)
  local count = 0
  for _, response in ipairs(redis.call('ZRANGEBYSCORE', RESPONSES, after(moment - minute), '+inf')) do
    if string.sub(response, 1, #worker) == worker then
      count = count + 1
    end
  end
  return count
end

-- What is in flight counts as answered at that time.
local function count_as_answered(worker, record, moment)
  for number = 1, record.in_flight do
    redis.call('ZADD', RESPONSES, moment, worker .. 'x' .. number)
  end
  state.in_flight = state.in_flight - record.in_flight
  record.expired, record.in_flight = record.in_flight, 0
end

local function fall_silent(worker, record)
  local moment = record.seen + report.lease
  record.at_work = record.kept or record.in_flight + record.interactive + record.bulk > 0
  leave_queues(worker, record)
  count_as_answered(worker, record, moment)
  state.alive = state.alive - 1
  record.claim = math.min(record.part, record.promised + counting(worker, moment))
  hold(record, 'promised', 0)
  record.stage = 'silent'
end

-- Holds a silent worker's claim, without what its own responses hold until the next step. Returns the time of that.
local function hold_claim(worker, record)
  local next_step = now + report.lease
  hold(record, 'reserved', math.max(0, record.claim - counting(worker, next_step)))
  return next_step
end

local function hold_part(record)
  hold(record, 'reserved', record.part)
  record.stage = 'reserved'
  return record.seen + report.keep
end

-- Takes the next step for a worker that has not reported. Returns the time of the one after it; nil if it is forgotten.
local function expire(worker, record)
  if record.stage == 'alone' then
    return hold_part(record)
  elseif record.stage == 'alive' then
    fall_silent(worker, record)
  end
  local was_only = record.part == report.per_minute
  if record.stage == 'silent' and not was_only then
    local since_claim = now - record.seen - minute - 2 * report.lease
    if since_claim >= 0 and record.at_work then
      return hold_part(record)
    elseif since_claim < minute then
      return hold_claim(worker, record)
    end
  end
  hold(record, 'reserved', 0)
  return nil
end

local function expire_workers()
  for _ = 1, BATCH do
    local worker = due_members(DEADLINES, 1)[1]
    if not worker then
      return
    end
    local record = read_worker(worker)
    local deadline = record and expire(worker, record)
    if deadline then
      write_worker(worker, record)
      redis.call('ZADD', DEADLINES, deadline, worker)
    else
      forget_worker(worker)
    end
  end
end

-- Nothing has to be held for a worker that reports: it tells itself what became of its requests.
local function revive(record)
  for number = 1, record.expired do
    redis.call('ZREM', RESPONSES, id .. 'x' .. number)
  end
  hold(record, 'promised', 0)
  hold(record, 'reserved', 0)
  if record.stage ~= 'alive' then
    state.alive = state.alive + 1
  end
  record.expired, record.stage = 0, 'alive'
end

-- How much is free

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

-- What is held for workers that are silent, and for those of a lost ledger that have not reported. The others keep their
-- even part, and a quarter at least: a worker that crashes again and again must not stop them.
local function held_for_silent()
  local missing = now < state.lost_at + report.keep and state.missing or 0
  local part = math.floor(report.per_minute / (state.alive + math.max(1, missing)))
  local parts = now >= state.lost_at + minute and missing * part or 0
  local all = redis.call('ZCARD', DEADLINES) + missing
  local most = report.per_minute * (1 - math.max(0.25, state.alive / math.max(1, all)))
  return math.min(math.ceil(most), state.reserved + parts)
end

local function room_now()
  local held = held_for_silent() + state.promised
  local lost = now < state.lost_at + minute and state.lost or 0
  local of_minute = report.per_minute - used(minute) - lost - held - held_of_minute()
  return of_minute, report.per_hour - used(hour) - held - held_of_hour()
end

-- Notes what the service told this worker: how much is left of the hour, and a refusal.
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

-- Sharing among workers that wait

-- A worker that begins to wait ranks near the one that has had least: what it took in the last minute counts against it,
-- no more, and for not having been there it gets a worker's part of a minute, no more.
local function rank(record)
  local least = math.min(first_score(QUEUES.interactive), first_score(QUEUES.bulk))
  if least < math.huge then
    local part = math.floor(report.per_minute / math.max(1, state.alive))
    record.served = math.min(math.max(record.served, least - part), least + report.used)
  end
end

-- Returns how many of the free permits are this worker's, if all that wait get even parts over time and those that have
-- had fewer go first. `gap` is what it lacks to the level that all would have if the free permits were handed out.
local function part_of(class, free, most, begins)
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
  if begins and state.alive > size then
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

local function take(class, free, most, begins)
  local part = me[class] > 0 and part_of(class, free, most, begins) or 0
  if part > 0 then
    leave_queues(id, me)
    me[class], me.served, me.in_flight = me[class] - part, me.served + part, me.in_flight + part
    state.in_flight = state.in_flight + part
    join_queues(id, me)
  end
  return part
end

-- Returns the earliest time at which this many more requests may be sent than now.
local function opens(span, missing)
  if missing <= 0 then
    return now
  end
  local found = redis.call(
    'ZRANGEBYSCORE', RESPONSES, after(now - span), '+inf', 'WITHSCORES', 'LIMIT', missing - 1, 1)
  return (found[2] and tonumber(found[2]) or math.huge) + span
end

-- Returns when this worker should ask again: when its turn comes, if nothing unforeseen happens, but not too late for
-- what others give back: a promise, their place, or what other clients were thought to use.
local function next_time(of_minute, of_hour)
  local class = me.interactive > 0 and 'interactive' or 'bulk'
  local place = place_of(class) + (class == 'bulk' and state.interactive or 0)
  local free = math.max(opens(minute, place - of_minute), opens(hour, place - of_hour), state.paused)
  local soon = now + minute / 200
  local late = now + (held_of_minute() + state.promised > 0 and minute / 12 or minute / 4)
  if of_minute > 0 then
    late = math.min(late, first_score(WAITING))
  end
  return math.max(soon, math.min(free, late))
end

local function grant(begins)
  if me.interactive + me.bulk == 0 then
    return 0
  end
  local of_minute, of_hour = room_now()
  local held_until = math.max(state.paused, state.settled_at)
  local free = held_until > now and 0 or math.min(of_minute, of_hour)
  local granted = take('interactive', free, report.batch, begins)
  granted = granted + take('bulk', free - granted - state.interactive, report.batch - granted, begins)
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

-- The exchange

local function new_record(is_new_ledger)
  return {
    sequence = 0, since = now, stage = 'new', in_flight = 0, interactive = 0, bulk = 0, queued = false, served = 0,
    due = 0, part = 0, promised = 0, reserved = 0, expired = 0, recovered = is_new_ledger and is_complete(),
  }
end

-- Replaces what the ledger knows of this worker by its report. Returns whether its calls begin to wait.
local function enter()
  local begins = me.interactive + me.bulk == 0
  revive(me)
  leave_queues(id, me)
  state.in_flight = state.in_flight + report.in_flight - me.in_flight
  me.sequence, me.seen, me.in_flight = report.sequence, now, report.in_flight
  me.interactive, me.bulk = report.alone and 0 or report.interactive, report.alone and 0 or report.bulk
  for number, age in ipairs(report.ages) do
    redis.call('ZADD', RESPONSES, now - age, id .. ':' .. (report.first + number - 1))
  end
  if begins and me.interactive + me.bulk > 0 then
    rank(me)
  end
  join_queues(id, me)
  redis.call('ZADD', DEADLINES, now + report.lease, id)
  return begins
end

-- Tells the worker what it may do if it is cut off from now on: its even part of the minute, whether that is kept for
-- longer than its claim, and what it is promised of a quiet quota. A quarter is promised to all together, so that the
-- rest passes at once when one of them has work. A worker that has just come may be one of many that start, and have work
-- soon: it is told a quarter, and that it is kept. One that has been the only one for a lease gets everything, and
-- nothing is held for it: whoever comes after it has crashed should not wait.
local function allow(granted)
  local workers = redis.call('ZCARD', DEADLINES)
  local waiting, in_use = redis.call('ZCARD', WAITING) - (me.queued and 1 or 0), used(minute)
  local is_quiet = waiting == 0 and in_use <= report.used + granted
  local is_settled = now - me.since >= report.lease
  local is_only = workers == 1 and is_settled
  local part, free = math.floor(report.per_minute / workers), 0
  if is_quiet and is_only then
    free = math.max(0, report.per_minute - in_use)
  elseif is_quiet then
    local of_minute = room_now()
    free = math.floor(math.max(0, of_minute) / 4 / workers)
  end
  if not is_settled then
    part = math.min(part, math.floor(report.per_minute / 4))
  end
  local is_at_work = me.in_flight + me.interactive + me.bulk > 0
  return {part = math.max(1, part), free = free, kept = is_at_work or is_only or not is_settled}
end

-- Holds what was told, and what the worker believes until it gets this reply, which may be lost.
local function remember(told)
  me.part, me.kept = math.max(told.part, report.part), told.kept or report.kept
  if me.part < report.per_minute then  -- nothing is held for the only worker
    hold(me, 'promised', math.max(told.free, report.free))
  end
end

-- The worker goes on without the ledger, but its report has arrived: `alone` is held for it, and it gets nothing else.
local function go_alone()
  me.stage, me.part = 'alone', report.part
  state.alive = state.alive - 1
  hold(me, 'reserved', report.alone)
end

local function leave()
  leave_queues(id, me)
  count_as_answered(id, me, now)
  state.alive = state.alive - 1
  forget_worker(id)
end

local function write_state()
  redis.call('ZREMRANGEBYSCORE', RESPONSES, '-inf', exact(now - hour))
  state.cards = cards()
  redis.call('HSET', LEDGER, 'state', cmsgpack.pack(state))
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, math.ceil(hour / 1000))
  end
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
local is_new_ledger = not state or is_torn(state.cards) or is_older_than_reply()
if is_new_ledger then
  start_ledger()
  me = nil
end
local set_back, set_forward = read_clock()
if set_forward > 0 and not report.again then
  return cjson.encode({again = true})  -- more likely, the report was long on its way; nothing is written yet
end
if is_new_ledger then
  settle()
end
expire_workers()
drop_overdue()
me = read_worker(id) or new_record(is_new_ledger)
local begins = enter()
learn()
local granted, told = 0, {part = report.part, free = 0, kept = report.kept}
if report.leaving then
  leave()
else
  if is_complete() or report.epoch == state.epoch then
    recover()
    granted = report.alone and 0 or grant(begins)
  end  -- else the worker has to report first what this ledger does not know
  if report.alone then
    go_alone()
  else
    told = allow(granted)
    remember(told)
  end
  write_worker(id, me)
end
write_state()
return cjson.encode({
  granted = granted, interactive = me.interactive, bulk = me.bulk, wait = math.max(0, me.due - now),
  workers = redis.call('ZCARD', DEADLINES), used = used(minute), epoch = state.epoch, part = told.part,
  free = told.free, kept = told.kept, set_back = set_back, set_forward = set_forward,
})
