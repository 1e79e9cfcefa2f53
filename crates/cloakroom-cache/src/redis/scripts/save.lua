-- The one that is run for every change: without the prelude, whose functions would take a fifth of its time.
-- KEYS: sessions. ARGV: now; '1' if the records say until when their owners' indexes show them, or ''; and for each
-- session the seen stamp, the record and its time to live. It answers each by itself.
local now, listed, has_written = tonumber(ARGV[1]), ARGV[2] == '1', false

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
    return { 2, redis.call('GET', key) } -- a conflict
  end
  if owner > 0 and not listed then
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
  local refusal = redis.pcall('SET', key, record, 'PX', life)
  if refusal.err then
    return refusal
  end
  has_written = true
  return 1
end

local answers = {}
for i, key in ipairs(KEYS) do
  local answer = save(key, ARGV[3 * i], ARGV[3 * i + 1], ARGV[3 * i + 2])
  if type(answer) == 'table' and answer.err and not has_written then
    return answer -- of all: nothing was done
  end
  answers[i] = answer
end
return answers
