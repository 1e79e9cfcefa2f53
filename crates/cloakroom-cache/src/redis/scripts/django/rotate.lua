-- KEYS: from, to. ARGV: seen value, new value, time to live.
local there, why = value_of(KEYS[1])
if not there then
  return why
elseif there ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 1 then
  return conflict(KEYS[1], there)
end
put(KEYS[2], ARGV[2], ARGV[3])
redis.call('DEL', KEYS[1])
return WRITTEN
