-- Addresses and networks in CIDR (RFC 4632, RFC 4291), as the bytes that inet_pton(3) gives: 4 of IPv4, 16 of IPv6.

local ffi = require("ffi")
local bit = require("bit")
local byte, char, find, rep, sub = string.byte, string.char, string.find, string.rep, string.sub

ffi.cdef([[
  int inet_pton(int af, const char *src, void *dst);
  const char *inet_ntop(int af, const void *src, char *dst, unsigned int size);
]])

local _M = {}

local AF_INET, AF_INET6 = 2, 10
local MAPPED = rep("\0", 10) .. "\255\255"
local room = ffi.new("uint8_t[16]")

-- Bytes of an address, nil for what is none. IPv4 inside IPv6 (::ffff:192.0.2.1) is IPv4.
function _M.parse(text)
  if #text > 45 then return nil end
  if find(text, ":", 1, true) then
    if ffi.C.inet_pton(AF_INET6, text, room) ~= 1 then return nil end
    local bytes = ffi.string(room, 16)
    return sub(bytes, 1, 12) == MAPPED and sub(bytes, 13) or bytes
  end
  return ffi.C.inet_pton(AF_INET, text, room) == 1 and ffi.string(room, 4) or nil
end

local text = ffi.new("char[46]")

-- The one text of an address (RFC 5952).
function _M.format(bytes)
  return ffi.string(ffi.C.inet_ntop(#bytes == 4 and AF_INET or AF_INET6, bytes, text, 46))
end

-- The first `length` bits, the others zero.
local function masked(bytes, length)
  local whole = bit.rshift(length, 3)
  local left = bit.band(length, 7)
  if left == 0 then return sub(bytes, 1, whole) end
  local last = bit.band(byte(bytes, whole + 1), bit.lshift(0xff, 8 - left))
  return sub(bytes, 1, whole) .. char(bit.band(last, 0xff))
end

-- Networks grouped by family and length: what a look-up costs depends on how many lengths there are, not on how many networks.
function _M.compile(networks)
  local byLength = { [4] = {}, [16] = {} }
  for _, network in ipairs(networks) do
    local slash = find(network, "/", 1, true)
    local bytes = _M.parse(slash and sub(network, 1, slash - 1) or network)
    local length = slash and tonumber(sub(network, slash + 1)) or (bytes and #bytes * 8)
    if bytes and length and length <= #bytes * 8 then
      local group = byLength[#bytes]
      local at
      for _, entry in ipairs(group) do
        if entry.length == length then at = entry end
      end
      if not at then
        at = { length = length, members = {} }
        group[#group + 1] = at
      end
      at.members[masked(bytes, length)] = true
    end
  end
  return byLength
end

-- Whether one of the compiled networks holds the address.
function _M.holds(compiled, bytes)
  local group = compiled[#bytes]
  for i = 1, #group do
    local entry = group[i]
    if entry.members[masked(bytes, entry.length)] then return true end
  end
  return false
end

return _M
