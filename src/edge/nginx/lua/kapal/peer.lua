-- The endpoint of a try, as nginx gets to know it. ngx.balancer has each address parsed and printed anew, which is a
-- twenty-fifth of the cost of a small request: for common requests what it made of an address the first time is put where
-- it puts it, in the module's note of the try (ngx_http_lua_balancer_peer_data_t), which is found as
-- request -> upstream -> data of the peer -> data below `keepalive`. Nothing is trusted: that is done only with the one
-- version of the module whose source says so, where this was seen to hold, and only in a note that names the request.
local balancer = require "ngx.balancer"
local ffi = require "ffi"
local memory = require "kapal.memory"

local cast, tonumber = ffi.cast, tonumber
local read, text = memory.read, memory.text
local set_current_peer = balancer.set_current_peer
local words = ffi.typeof "intptr_t *"

local M = {}

local VERSION = 10023
-- In words of 8 bytes: of a request, of an upstream, of what `keepalive` notes, and of the module's note.
local UPSTREAM, PEER_DATA, BELOW = 9, 11, 2
local REQUEST, ADDRESS, LENGTH, NAME = 6, 9, 10, 11

-- What nginx made of addresses, by their text: { address, length, name }, as numbers. Never given back, for nginx keeps the
-- names of what it asked until it has written them down; 64 bytes each.
local made = {}

local function word(at, index)
  return at and read(at + index * 8, 8)
end

local function note_of(request)
  local note = word(word(word(request, UPSTREAM), PEER_DATA), BELOW)
  return word(note, REQUEST) == request and note or nil
end

-- As in sockaddr_in (ip(7)) and sockaddr_in6 (ipv6(7)): the port is in the third and fourth byte.
local LENGTHS = { [16] = true, [28] = true }

local function copy(note, endpoint, shown)
  local address, length, name = word(note, ADDRESS), read(note + LENGTH * 8, 4), word(note, NAME)
  local bytes = address and LENGTHS[length] and text(address, length)
  local size, place = word(name, 0), word(name, 1)
  local printed = size and size <= 64 and place and text(place, size)
  if not bytes or printed ~= shown then return nil end
  if string.byte(bytes, 3) * 256 + string.byte(bytes, 4) ~= endpoint.port then return nil end
  local own = memory.keep(32 + 16 + size)
  if not own then return nil end
  own = cast("uint8_t *", own)
  ffi.copy(own, bytes, length)
  ffi.copy(own + 48, printed, size)
  local at = tonumber(cast("intptr_t", own))
  local string_at = cast(words, own + 32)
  string_at[0], string_at[1] = size, at + 48
  return { address = at, length = length, name = at + 32 }
end

local function learn(endpoint, request)
  local note = note_of(request)
  local shown = string.format("%s:%d", endpoint.address, endpoint.port)
  local known = made[shown] or note and copy(note, endpoint, shown)
  made[shown] = known
  -- false: this nginx is another than it is known of.
  endpoint.made = known or false
end

--- Names the endpoint of the try at hand: nil and a reason where nginx does not take it.
function M.name(endpoint)
  return set_current_peer(endpoint.address, endpoint.port)
end

--- The same for a common request, by nginx's own request and its key.
function M.name_common(this, key, endpoint)
  local known = endpoint.made
  if known then
    local note = cast(words, cast(words, cast(words, cast(words, this)[UPSTREAM])[PEER_DATA])[BELOW])
    if tonumber(note[REQUEST]) == key then
      note[ADDRESS], note[LENGTH], note[NAME] = known.address, known.length, known.name
      return true
    end
  end
  local ok, why = M.name(endpoint)
  if ok and known == nil then
    if ngx.config.ngx_lua_version == VERSION then learn(endpoint, key) else endpoint.made = false end
  end
  return ok, why
end

return M
