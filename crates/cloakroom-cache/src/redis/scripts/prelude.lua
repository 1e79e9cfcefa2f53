-- In front of every script but one. A record is: its format (1 byte), deadline (6), the moment until which its
-- owner's index shows it (6), stamp (16), its owner's length and one (4; zero: nobody), owner, payload.
-- Numbers are big-endian. Strings are only tested for equality: Lua orders them by the server's locale.
local RECORD, HEAD = 193, 33
local GONE, WRITTEN, CONFLICT, SKIPPED, UNLISTED, FOREIGN = 0, 1, 2, 3, 4, -1

local function moment(bytes, at)
  local a, b, c, d, e, f = string.byte(bytes, at, at + 5)
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

local function stamp(head)
  return string.sub(head, 14, 29)
end

local function is_owned(head)
  return string.sub(head, 30, 33) ~= '\0\0\0\0'
end

-- The first bytes of what is there, '' for nothing. Or nothing, and what to answer.
local function peek(key, length)
  local bytes = redis.pcall('GETRANGE', key, 0, length - 1)
  if type(bytes) == 'string' then
    return bytes
  elseif string.find(bytes.err, 'WRONGTYPE', 1, true) then
    return nil, FOREIGN
  end
  return nil, bytes
end

local function is_record(bytes)
  return #bytes >= HEAD and string.byte(bytes, 1) == RECORD
end

-- The head of the living record, and `more` bytes behind it. Or nothing, and what to answer.
local function living(key, now, more)
  local head, why = peek(key, HEAD + more)
  if not head then
    return nil, why
  elseif head == '' then
    return nil, GONE
  elseif not is_record(head) then
    return nil, FOREIGN
  elseif moment(head, 2) <= now then
    return nil, GONE
  end
  return head
end

local function owner(key, head)
  local a, b, c, d = string.byte(head, 30, 33)
  return redis.call('GETRANGE', key, HEAD, HEAD + ((a * 256 + b) * 256 + c) * 256 + d - 2)
end
