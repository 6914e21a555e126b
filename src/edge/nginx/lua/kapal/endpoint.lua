-- The addresses that take requests, as this worker knows them: what is under way there, and their health. An endpoint
-- lives as long as a pool names it or something is under way; an id whose address has changed is another endpoint.
local door = require "kapal.door"
local gates = require "kapal.gate"
local health = require "kapal.health"

local M = {}

-- Seconds without a byte from an endpoint, while requests wait there for the head of an answer, after which it is
-- stalled.
local STALLED_AFTER = 0.5

-- Seconds for which the answer to one request that is looked at closely speaks for those that are not.
local TRUST = 1

local by_id = {}
-- Not in the table any more, but with requests under way.
local leaving = {}

local function bracketed(host)
  return string.find(host, ":", 1, true) and "[" .. host .. "]" or host
end

local function make(declared)
  local host = declared.host
  -- Of a host that is a name the daemon tells the address.
  local ip = declared.address or host
  local endpoint = {
    id = declared.id,
    host = host,
    ip = ip,
    port = declared.port,
    -- As nginx wants it, and as Host for pools that rewrite it.
    address = bracketed(ip),
    authority = bracketed(host) .. ":" .. string.format("%d", declared.port),
    -- Under which its places are counted, where a pool limits them.
    place = "place:" .. declared.id,
    in_flight = 0,
    waiting = 0,
    -- Of those that wait, whose clients may still owe some of the body: they stand in no line.
    uploads = 0,
    gate = gates.begin(),
    -- What is more than it can answer is refused.
    gated = false,
    -- Each request is looked at closely, for it may be overloaded.
    watched = false,
    -- When it was last heard, or asked while nothing waited.
    heard = 0,
    stalled = false,
    -- Until when its answers need no look; 0: each is looked at.
    trusted_until = 0,
    pools = 0,
  }
  health.begin(endpoint)
  return endpoint
end

--- The endpoint of this id and address, for one more pool.
function M.join(declared)
  local endpoint = by_id[declared.id]
  local same = endpoint and endpoint.host == declared.host and endpoint.port == declared.port
  if not same or endpoint.ip ~= (declared.address or declared.host) then
    if endpoint and endpoint.in_flight > 0 then leaving[endpoint] = true end
    endpoint = make(declared)
    by_id[declared.id] = endpoint
  end
  endpoint.pools = endpoint.pools + 1
  return endpoint
end

--- A pool does not name it any more.
function M.part(endpoint)
  endpoint.pools = endpoint.pools - 1
  if endpoint.pools > 0 then return end
  if by_id[endpoint.id] == endpoint then by_id[endpoint.id] = nil end
  if endpoint.in_flight > 0 then leaving[endpoint] = true end
end

--- Whether it has more requests than it can answer.
function M.is_at_limit(endpoint)
  return endpoint.gated and endpoint.waiting - endpoint.uploads >= endpoint.gate.limit
end

--- A request goes there: the head of its answer is waited for.
function M.enter(endpoint, now)
  endpoint.in_flight = endpoint.in_flight + 1
  if endpoint.waiting == 0 then endpoint.heard = now end
  endpoint.waiting = endpoint.waiting + 1
  health.chosen(endpoint)
end

--- The head has come.
function M.heard(endpoint, now)
  endpoint.waiting = endpoint.waiting - 1
  endpoint.heard = now
  endpoint.stalled = false
end

--- The request is over there. `waiting`: without a head.
function M.leave(endpoint, waiting)
  endpoint.in_flight = endpoint.in_flight - 1
  if waiting then
    endpoint.waiting = endpoint.waiting - 1
    if endpoint.waiting == 0 then endpoint.stalled = false end
  end
  if endpoint.in_flight == 0 then leaving[endpoint] = nil end
end

--- An answer came from it that was HTTP.
function M.trust(endpoint, now)
  if not endpoint.watched then endpoint.trusted_until = now + TRUST end
end

--- Something failed there.
function M.distrust(endpoint)
  endpoint.trusted_until = 0
end

--- Whether a request may go there of which nobody looks at the answer. When the time of trust is over, one that may not
--- renews it.
function M.trusts(endpoint, now)
  local till = endpoint.trusted_until
  if now < till then return true end
  if till > 0 then endpoint.trusted_until = now + TRUST end
  return false
end

local function look(endpoint, now, last_byte)
  local heard = last_byte(endpoint)
  if heard and heard > endpoint.heard then endpoint.heard = heard end
  endpoint.stalled = now - endpoint.heard >= STALLED_AFTER
  if endpoint.stalled then M.distrust(endpoint) end
end

-- Whether each request has to be looked at, to know what it waits for: under a limit; and where requests wait for long and
-- nobody is answered at once. `age`: of those that wait, on average.
local function look_closely(endpoint, waiting, age)
  local gate = endpoint.gate
  local watched = gate.limit < math.huge or waiting > gates.LEAST and age >= gates.LATE / 2 and gate.prompt == 0
  if watched and not endpoint.watched then M.distrust(endpoint) end
  endpoint.watched = watched
end

--- Looks which endpoints are overloaded. `begins`: by endpoint, the sum of the times at which those came that wait; `counts`:
--- how many they are.
function M.weigh(now, begins, counts)
  for _, endpoint in pairs(by_id) do
    local waiting = counts[endpoint] or 0
    local age = waiting == 0 and 0 or now - begins[endpoint] / waiting
    if endpoint.gated then look_closely(endpoint, waiting, age) else endpoint.watched = false end
    local gate = endpoint.gate
    local suspect = endpoint.gated and (gate.limiting or gates.is_suspect(waiting, age))
    gates.look(gate, now, waiting, age, suspect and door.length(endpoint.ip, endpoint.port, now) or 0)
  end
end

--- Looks which endpoints are stalled. `last_byte(endpoint)` is asked before one is called so: the time of the last byte
--- that came, or nil.
function M.watch(now, last_byte)
  local calm = true
  for _, endpoint in pairs(by_id) do
    local quiet = endpoint.waiting > 0 and now - endpoint.heard >= STALLED_AFTER
    if quiet and not endpoint.stalled then look(endpoint, now, last_byte) end
    -- A clock that was set back.
    if endpoint.trusted_until > now + TRUST then M.distrust(endpoint) end
    if endpoint.stalled or endpoint.ejected_until ~= 0 or endpoint.gate.limit < math.huge then calm = false end
  end
  health.calm = calm
end

--- Ids of stalled endpoints.
function M.stalled()
  local ids = {}
  for id, endpoint in pairs(by_id) do
    if endpoint.stalled then ids[#ids + 1] = id end
  end
  return ids
end

--- It refuses what it could not answer, and answers the rest.
function M.is_overloaded(endpoint, now)
  return endpoint.gated and gates.is_overloaded(endpoint.gate, now)
end

--- Ids of those.
function M.overloaded(now)
  local ids = {}
  for id, endpoint in pairs(by_id) do
    if M.is_overloaded(endpoint, now) then ids[#ids + 1] = id end
  end
  return ids
end

--- Requests and upgraded connections of this worker, by endpoint id, where there are any.
function M.in_flight()
  local counts = {}
  local function count(endpoint)
    if endpoint.in_flight > 0 then counts[endpoint.id] = (counts[endpoint.id] or 0) + endpoint.in_flight end
  end
  for _, endpoint in pairs(by_id) do count(endpoint) end
  for endpoint in pairs(leaving) do count(endpoint) end
  return counts
end

return M
