-- KEYS: session. ARGV: seen value, if only that is to end.
local there, why = value_of(KEYS[1])
if not there then
  return why
elseif ARGV[1] and there ~= ARGV[1] then
  return conflict(KEYS[1], there)
end
redis.call('DEL', KEYS[1])
return WRITTEN
