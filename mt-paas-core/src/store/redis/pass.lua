-- Gives the turn back, if the caller still has it.
--
-- KEYS: turn, token. ARGV: token.
local token = tonumber(ARGV[1])
if tonumber(redis.call('HGET', KEYS[1], 'token')) ~= token then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'token', token + 1, 'since', time[1] * 1000000 + time[2])
redis.call('RPUSH', KEYS[2], token + 1)
return 1
