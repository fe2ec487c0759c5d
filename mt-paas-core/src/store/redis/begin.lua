-- Takes the turn, if it is free or its holder is silent, and reads the list.
--
-- KEYS: turn, list, token. ARGV: run of the server, version that the caller knows, token in its hand or '', silence.
-- Answers {token, now, version before the first entry, whether that entry is a whole, entries}, or, while another has the
-- turn, {0, microseconds until it counts as silent, 0, 0, {}}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local was = redis.call('HMGET', KEYS[1], 'run', 'first', 'last', 'whole', 'token', 'since')

-- The number of the turn rises whenever it changes hands, so that nobody but its last taker can use it.
local token, since = tonumber(was[5]), tonumber(was[6])
if not token then
  -- Not a number that the lost turn of an earlier list could have.
  token = now
  redis.call('DEL', KEYS[3])
else
  local hand = tonumber(ARGV[3])
  if hand ~= token then hand = tonumber(redis.call('LPOP', KEYS[3])) end
  if hand ~= token then
    local left = since + tonumber(ARGV[4]) - now
    if left > 0 and left <= tonumber(ARGV[4]) then return {0, left, 0, 0, {}} end
    token = token + 1
    redis.call('DEL', KEYS[3])
  end
end
redis.call('HSET', KEYS[1], 'token', token, 'since', now)

local after, first, last = tonumber(ARGV[2]), tonumber(was[2]), tonumber(was[3])
local kept, whole = redis.call('LLEN', KEYS[2]), was[4] == '1'
local lost = not last or kept ~= last - first + 1
if lost or was[1] ~= ARGV[1] or after > last then
  -- Another run of the server may have forgotten the last entries, and others may have taken their numbers. What is left
  -- is numbered anew, so that everybody finds out. Like revisions, numbers follow the clock and never come again.
  if lost then
    redis.call('DEL', KEYS[2])
    kept, whole = 0, false
  end
  first = math.max(now, (last or 0) + 2, after + 2)
  last = first + kept - 1
  redis.call('HSET', KEYS[1], 'run', ARGV[1], 'first', first, 'last', last, 'whole', whole and 1 or 0)
end

local start = math.max(after, first - 1)
local entries = redis.call('LRANGE', KEYS[2], start - first + 1, -1)
return {token, now, start, (whole and start == first - 1) and 1 or 0, entries}
