-- KEYS: session. ARGV: seen value, new value, time to live.
local there, why = value_of(KEYS[1])
if not there then
  return why
elseif there ~= ARGV[1] then
  return conflict(KEYS[1], there)
end
put(KEYS[1], ARGV[2], ARGV[3])
return WRITTEN
