-- Appends an entry, wakes members, and gives the turn back; 0 if the caller's turn, or the entry's number, is taken.
--
-- KEYS: turn, list, token. ARGV: token, version, whether the entry is a whole, entry, beginning of channels, members.
local was = redis.call('HMGET', KEYS[1], 'token', 'last')
local token, version = tonumber(ARGV[1]), tonumber(ARGV[2])
if tonumber(was[1]) ~= token then return 0 end

local done = version == tonumber(was[2]) + 1
if done then
  if ARGV[3] == '1' then
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[1], 'first', version, 'whole', 1)
  end
  redis.call('RPUSH', KEYS[2], ARGV[4])
  redis.call('HSET', KEYS[1], 'last', version)
  for member = 6, #ARGV do redis.call('PUBLISH', ARGV[5] .. ARGV[member], version) end
end

local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'token', token + 1, 'since', time[1] * 1000000 + time[2])
redis.call('RPUSH', KEYS[3], token + 1)
return done and 1 or 0
