-- The one that is run for every change: without the prelude, whose functions would take a fifth of its time.
-- KEYS: sessions. ARGV: now, and for each session the seen stamp, the record and its time to live. It answers each by
-- itself; of a conflict among several without what is there. Until when its owner's index shows a session is in its
-- record, if that is known, else zero.
local now, has_written = tonumber(ARGV[1]), false

local function save(key, seen, record, life)
  local a, b, c, d = string.byte(record, 30, 33)
  local owner = ((a * 256 + b) * 256 + c) * 256 + d -- its length and one; zero: nobody
  local head = redis.pcall('GETRANGE', key, 0, owner > 0 and 31 + owner or 32)
  if type(head) ~= 'string' then
    return string.find(head.err, 'WRONGTYPE', 1, true) and -1 or head
  elseif head == '' then
    return 0 -- gone
  end
  local kind, e, f
  kind, a, b, c, d, e, f = string.byte(head, 1, 7)
  if #head < 33 or kind ~= 193 then
    return -1 -- foreign
  elseif ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f <= now then
    return 0
  end
  local stamp = string.sub(head, 14, 29)
  if stamp ~= seen then
    if stamp == string.sub(record, 14, 29) then
      return 1 -- written
    end
    return #KEYS > 1 and 2 or { 2, redis.call('GET', key) } -- a conflict
  end
  if owner > 0 and string.sub(record, 8, 13) == '\0\0\0\0\0\0' then
    -- Its entry in the index stays what it is, if it is there and lasts as long as the session would.
    a, b, c, d, e, f = string.byte(record, 2, 7)
    local deadline = ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
    a, b, c, d, e, f = string.byte(head, 8, 13)
    local listed_until = ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
    if string.sub(head, 30) ~= string.sub(record, 30, 32 + owner) or deadline > listed_until then
      return 4 -- unlisted
    end
    record = string.sub(record, 1, 7) .. string.sub(head, 8, 13) .. string.sub(record, 14)
  end
  local done = redis.pcall('SET', key, record, 'PX', life)
  if done.err then
    return done
  end
  has_written = true
  return 1
end

local answers = {}
for i, key in ipairs(KEYS) do
  local answer = save(key, ARGV[3 * i - 1], ARGV[3 * i], ARGV[3 * i + 1])
  if type(answer) == 'table' and answer.err and not has_written then
    return answer -- of all: nothing was done
  end
  answers[i] = answer
end
return answers
