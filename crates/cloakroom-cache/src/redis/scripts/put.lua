-- A copy is: what it is (1 byte), the end of its lease (6), the record; a fence has no record.
-- KEYS: copy. ARGV: now, copy, time to live.
local FENCE, LEASE = 198, 7
local SEQUENCE, STAMP_END, DEADLINE = LEASE + 14, LEASE + 29, LEASE + 2

-- More, byte by byte.
local function exceeds(a, b, from, to)
  for at = from, to do
    local x, y = string.byte(a, at), string.byte(b, at)
    if x ~= y then
      return x > y
    end
  end
  return false
end

local there, trouble = peek(KEYS[1], LEASE + HEAD)
if trouble then
  return trouble
elseif #there >= LEASE and moment(there, 2) > tonumber(ARGV[1]) then
  if string.byte(there, 1) == FENCE then
    return 0
  elseif #there == LEASE + HEAD then
    local same = string.sub(there, SEQUENCE, STAMP_END) == string.sub(ARGV[2], SEQUENCE, STAMP_END)
    local newer = exceeds(ARGV[2], there, SEQUENCE, SEQUENCE + 7)
    if not newer and not (same and exceeds(ARGV[2], there, DEADLINE, DEADLINE + 5)) then
      return 0
    end
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return WRITTEN
