-- One exchange between a worker and the books of the quota that all workers of a token share.
--
-- KEYS[1]: the books, packed. KEYS[2]: the answers that still count, by time. ARGV[1]: the worker's report, as JSON.
-- Returns what the worker is told, as JSON. All times are microseconds of the server's clock, which is the only one
-- that counts; what crosses the wire are spans.
--
-- A request counts as long as it is in flight, and for a minute and an hour from its answer. A worker tells how many
-- are in flight, so that a lost reply loses no permit, and names its answers by number, so that a report may be repeated.

local FORMAT = 1

local report = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local minute, hour = report.minute, report.hour

local function after(moment)
  return string.format('(%.0f', moment)
end

local function open_books()
  local packed = redis.call('GET', KEYS[1])
  if packed then
    local readable, books = pcall(cmsgpack.unpack, packed)
    return readable and type(books) == 'table' and books.format == FORMAT and books or nil, false
  end
  return {
    format = FORMAT, epoch = report.worker .. report.turn, workers = {}, last = 0, hold = 0, lost = 0, lost_until = 0,
    paused = 0, strangers = 0, strangers_at = 0, hour_strangers = 0, hour_strangers_at = 0,
  }, report.epoch ~= nil
end

local books, lost_memory = open_books()
if not books then
  return redis.error_reply('FORMAT of the books is another')
end
local workers = books.workers

-- A worker that is not heard of for the length of a lease is dead: what it had in flight counts as answered then.
local function bury()
  for id, worker in pairs(workers) do
    local died = worker.seen + report.lease
    if died <= now and worker.in_flight > 0 then
      for number = 1, worker.in_flight do
        redis.call('ZADD', KEYS[2], died, id .. 'x' .. number)
      end
      worker.buried, worker.in_flight = worker.in_flight, 0
    end
    if worker.seen + minute <= now then
      workers[id] = nil
    end
  end
end

-- It was not dead, and tells itself what became of them.
local function dig_out(me)
  for number = 1, me.buried or 0 do
    redis.call('ZREM', KEYS[2], report.worker .. 'x' .. number)
  end
  me.buried = nil
end

-- How the quota is used -------------------------------------------------------------------------------------------

local function count_workers()
  local number = 0
  for _ in pairs(workers) do
    number = number + 1
  end
  return number
end

local function in_flight()
  local sum = 0
  for _, worker in pairs(workers) do
    sum = sum + worker.in_flight
  end
  return sum
end

local function used(span)
  return in_flight() + redis.call('ZCOUNT', KEYS[2], after(now - span), '+inf')
end

-- What strangers hold of the minute, as a refusal showed: half a minute later it is tried again, 1, 3, 7, 15 ... of it.
local function held_by_strangers()
  local steps = math.floor((now - books.strangers_at - minute / 2) / (minute / 12)) + 1
  return math.max(0, books.strangers - (steps > 0 and 2 ^ math.min(steps, 30) - 1 or 0))
end

-- What strangers hold of the hour. The next answer corrects it; without one, one request a minute may try.
local function held_of_hour()
  return math.max(0, books.hour_strangers - math.floor((now - books.hour_strangers_at) / minute))
end

local function minute_room()
  local lost = now < books.lost_until and books.lost or 0
  return report.per_minute - used(minute) - lost - held_by_strangers()
end

local function hour_room()
  return report.per_hour - used(hour) - held_of_hour()
end

-- What the worker reports -----------------------------------------------------------------------------------------

-- The store was away, or has lost its memory. The others may have sent on their own, and come back within `hold`; those
-- that slept through it come later, so what they had used is kept for them.
local function recover()
  local others = report.workers > 1
  if others and (lost_memory or report.away and books.last < now - report.away) then
    books.hold = now + report.hold
  end
  if lost_memory then
    books.lost = report.used_by_others + report.used
    books.lost_until = now + minute
  end
  if report.restoring then
    books.lost = math.max(0, books.lost - report.used)
  end
end

local function learn()
  if report.remaining then
    books.hour_strangers = math.max(0, report.per_hour - used(hour) - report.remaining)
    books.hour_strangers_at = now
  end
  local refusal = report.refusal
  if not refusal then
    return
  end
  books.paused = math.max(books.paused, now + refusal.pause)
  if refusal.hourly then
    books.hour_strangers = math.max(0, report.per_hour - used(hour))
    books.hour_strangers_at = now
  else
    books.strangers = math.max(held_by_strangers(), report.per_minute - used(minute))
    books.strangers_at = now
  end
end

-- Sharing ---------------------------------------------------------------------------------------------------------

-- Those who wait, and come when they were told to.
local function contenders()
  local list = {}
  for id, worker in pairs(workers) do
    if worker.interactive + worker.bulk > 0 and (id == report.worker or now <= worker.due + report.grace) then
      table.insert(list, {
        id = id, served = worker.served, interactive = worker.interactive, bulk = worker.bulk,
      })
    end
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list
end

-- A worker that begins to wait ranks near the one that has been served least: what it took in the last minute counts
-- against it, no more, and for not having been there it gets a worker's share of a minute, no more.
local function rank(me)
  local least = math.huge
  for _, other in ipairs(contenders()) do
    least = other.id == report.worker and least or math.min(least, other.served)
  end
  if least < math.huge then
    local share = math.floor(report.per_minute / count_workers())
    me.served = math.min(math.max(me.served, least - share), least + report.used)
  end
end

local function goes_before(a, b)
  local a_first, b_first = a.interactive > 0, b.interactive > 0
  if a_first ~= b_first then
    return a_first
  end
  return a.served < b.served
end

local function next_of(list)
  local chosen
  for _, worker in ipairs(list) do
    if worker.interactive + worker.bulk > 0 and (not chosen or goes_before(worker, chosen)) then
      chosen = worker
    end
  end
  return chosen
end

-- Hands out permits one by one, each to whom it belongs, as if all who wait were here. Returns how many of the first
-- `room` are this worker's, by lane, and the place of its next one in the order.
local function hand_out(room)
  local list = contenders()
  local granted = {interactive = 0, bulk = 0}
  for place = 1, math.max(room, 0) + report.per_minute do
    local worker = next_of(list)
    if not worker then
      break
    end
    local lane = worker.interactive > 0 and 'interactive' or 'bulk'
    worker[lane] = worker[lane] - 1
    worker.served = worker.served + 1
    if worker.id == report.worker then
      if place > room then
        return granted, place
      end
      granted[lane] = granted[lane] + 1
    end
  end
  return granted, nil
end

-- The earliest time at which so many more requests may leave as are missing. What is in flight may have been answered
-- right after its worker was last heard of.
local function opens(span, missing)
  if missing <= 0 then
    return now
  end
  local oldest = math.huge
  for _, worker in pairs(workers) do
    if worker.in_flight > 0 then
      oldest = math.min(oldest, worker.seen)
    end
  end
  local found = redis.call(
    'ZRANGEBYSCORE', KEYS[2], after(now - span), '+inf', 'WITHSCORES', 'LIMIT', missing - 1, 1)
  return math.min(found[2] and tonumber(found[2]) or math.huge, oldest) + span
end

local function grant(me)
  local of_minute, of_hour = minute_room(), hour_room()
  local gate = math.max(books.paused, books.hold)
  local granted, place = hand_out(gate > now and 0 or math.min(of_minute, of_hour))
  local ask_again = now + (held_by_strangers() > 0 and minute / 12 or minute / 4)
  if place then
    local free = math.max(opens(minute, place - of_minute), opens(hour, place - of_hour), gate)
    ask_again = math.min(ask_again, free)
  end
  local sum = granted.interactive + granted.bulk
  me.interactive, me.bulk = me.interactive - granted.interactive, me.bulk - granted.bulk
  me.served, me.in_flight, me.due = me.served + sum, me.in_flight + sum, ask_again
  return sum
end

-- The exchange ----------------------------------------------------------------------------------------------------

local function enter(me)
  local waited = me.interactive + me.bulk > 0
  me.turn, me.seen, me.in_flight = report.turn, now, report.in_flight
  me.interactive, me.bulk = report.interactive, report.bulk
  workers[report.worker] = me
  dig_out(me)
  for number, age in ipairs(report.ages) do
    redis.call('ZADD', KEYS[2], now - age, report.worker .. ':' .. (report.first + number - 1))
  end
  if not waited then
    rank(me)
  end
end

local function close_books()
  books.last = now
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - hour))
  redis.call('PEXPIRE', KEYS[2], math.ceil(hour / 1000))
  redis.call('SET', KEYS[1], cmsgpack.pack(books), 'PX', math.ceil(hour / 1000))
end

-- A right that is missing should show at the first call, not in the middle of the work.
local function try_rights()
  redis.call('ZADD', KEYS[2], 'XX', 0, '')
  redis.call('ZREM', KEYS[2], '')
  redis.call('ZRANGEBYSCORE', KEYS[2], 0, 0)
end

if report.turn == 1 then
  try_rights()
end
bury()
local me = workers[report.worker] or {turn = 0, served = 0, interactive = 0, bulk = 0, due = 0}
if report.turn <= me.turn then
  return redis.error_reply('STALE report')
end
recover()
enter(me)
learn()
local granted = 0
if report.leaving then
  me.seen = now - report.lease
  bury()
  workers[report.worker] = nil
elseif report.restoring or not report.epoch or report.epoch == books.epoch then
  granted = grant(me)  -- else the worker has to tell first what these books do not know
end
close_books()
return cjson.encode({
  granted = granted, interactive = me.interactive, bulk = me.bulk, wait = me.due - now,
  workers = count_workers(), used = used(minute), epoch = books.epoch,
})
