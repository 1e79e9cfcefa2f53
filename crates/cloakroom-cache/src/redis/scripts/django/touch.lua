-- KEYS: session. ARGV: seen value, time to live.
local there, why = value_of(KEYS[1])
if not there then
  return why
end
local life = redis.call('PTTL', KEYS[1])
if there ~= ARGV[1] or life == -1 or life >= tonumber(ARGV[2]) * 1000 then
  return SKIPPED
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return WRITTEN
