-- Pools over all tables that name them: their configuration is replaced, their counters and turns stay.
local budget = require "kapal.budget"
local endpoints = require "kapal.endpoint"
local gates = require "kapal.gate"
local health = require "kapal.health"
local pick = require "kapal.pick"
local state = require "kapal.state"
local sticky = require "kapal.sticky"

local M = {}

-- How fit a member is for a request: lower is better, OUT is no choice at all.
local READY, STALLED, EJECTED, DOWN, OUT = 0, 1, 2, 3, 4
M.READY, M.STALLED, M.EJECTED, M.DOWN, M.OUT = READY, STALLED, EJECTED, DOWN, OUT
-- What a weight begins with while it grows.
local FIRST_SHARE = 0.1
-- Seconds as nginx.conf says them (src/edge/nginx/config/limits.ts).
local USUAL_READ_TIMEOUT = 300
M.USUAL_READ_TIMEOUT = USUAL_READ_TIMEOUT

local by_id = {}
local stale = {}
local all_stale = false
local on_limit, on_filled

state.on_change(function(key)
  if not key then
    all_stale = true
  elseif string.sub(key, 1, 5) == "pool:" then
    stale[string.sub(key, 6)] = true
  end
end)

--- Calls `listener(pool)` when a pool has a limit of connections that had none.
function M.on_limit(listener)
  on_limit = listener
end

--- Calls `listener(pool)` when a pool that had no endpoint has others, or another word on whether any will come.
function M.on_filled(listener)
  on_filled = listener
end

local function member_of(config, declared, endpoint, before)
  return {
    endpoint = endpoint,
    declared_weight = math.max(declared.weight, 1e-6),
    weight = math.max(declared.weight, 1e-6),
    since = declared.since,
    down = declared.down == true,
    hash = pick.hash(declared.id),
    -- What the access log says of requests that it answers.
    told = config.service .. " " .. config.id .. " " .. declared.id,
    cookie = config.sticky and sticky.value(declared.id, config.sticky.key) or nil,
    current = before and before.current or 0,
    rank = READY,
  }
end

-- Takes the members of the next table. Endpoints are joined before the old ones are left, so that those that stay keep
-- what is known of them.
local function take_members(pool, config)
  local before, members, by_cookie = {}, {}, {}
  for _, member in ipairs(pool.members) do before[member.endpoint] = member end
  for index, declared in ipairs(config.kind == "proxy" and config.endpoints or {}) do
    local endpoint = endpoints.join(declared)
    endpoint.gated = not config.maxConnections and config.overload ~= "off"
    local member = member_of(config, declared, endpoint, before[endpoint])
    members[index] = member
    if member.cookie then by_cookie[member.cookie] = member end
  end
  for _, member in ipairs(pool.members) do endpoints.part(member.endpoint) end
  pool.members, pool.by_cookie = members, by_cookie
  pool.turn = 0
end

--- Brings the weights of young endpoints up to date.
function M.grow(pool, now)
  local slow_start = (pool.config.slowStart or 0) / 1000
  pool.growing = false
  if slow_start == 0 then return end
  for _, member in ipairs(pool.members) do
    local age = member.since and math.max(0, now - member.since / 1000) or slow_start
    local share = age >= slow_start and 1 or FIRST_SHARE + (1 - FIRST_SHARE) * (age / slow_start)
    member.weight = member.declared_weight * share
    if share < 1 then pool.growing = true end
  end
end

-- Whether the next member in turn is always the right one while all are well: round robin among equals, where nothing
-- else has a say. It is what smooth weighted round robin gives, without a loop.
local function is_plain(pool, config)
  if config.balance ~= "round-robin" or config.sticky or config.maxConnections or config.slowStart then return false end
  local members = pool.members
  for index = 1, #members do
    if members[index].down or members[index].weight ~= members[1].weight then return false end
  end
  return #members > 0
end

-- Whether its requests need nothing that Lua would have to say: what nginx.conf has holds for it, and the endpoints take
-- turns.
local function is_common(pool, config)
  if config.tls or config.rewriteHost or pool.read_timeout ~= USUAL_READ_TIMEOUT then return false end
  return pool.plain and not pool.idle_timeout
end

-- nginx has one time-out for reading: that of silence, or of the head where that is longer. See wait.lua for the other.
local function read_timeout(config)
  if type(config.idleTimeout) ~= "number" then return 10 * 86400 end
  return math.max(config.idleTimeout, config.responseTimeout) / 1000
end

local function configure(pool, config)
  local limited = config.maxConnections and not (pool.config and pool.config.maxConnections)
  local was_empty = #pool.members == 0
  pool.config = config
  take_members(pool, config)
  if config.kind == "proxy" then
    pool.balance = config.balance
    pool.read_timeout = read_timeout(config)
    pool.response_timeout = config.responseTimeout / 1000
    local idle = type(config.idleTimeout) == "number" and config.idleTimeout or nil
    pool.idle_timeout = idle and idle < config.responseTimeout and idle / 1000 or nil
    pool.max_body = config.maxBodySize
    pool.plain = is_plain(pool, config)
    pool.common = is_common(pool, config)
  end
  M.grow(pool, ngx.now())
  if limited then on_limit(pool) end
  if was_empty then on_filled(pool) end
end

local function make(id)
  return {
    id = id,
    members = {},
    requests = 0,
    retries = 0,
    ejections = 0,
    shed = 0,
    budget = budget.begin(),
  }
end

-- The table names it no more: what is under way looks for its route again.
local function retire(pool)
  pool.retired = true
  for _, member in ipairs(pool.members) do endpoints.part(member.endpoint) end
  pool.members, pool.by_cookie = {}, {}
  by_id[pool.id] = nil
end

local function renew(id, pool)
  stale[id] = nil
  local config = state.get("pool:" .. id)
  if config then
    pool = pool or make(id)
    if pool.config ~= config then configure(pool, config) end
    by_id[id] = pool
    return pool
  end
  if pool then retire(pool) end
  return nil
end

-- Everything may be another than before.
local function spread()
  all_stale = false
  for id in pairs(by_id) do stale[id] = true end
end

--- The pool as the table has it now; nil where it has none of this id. Asked after `state.refresh`.
function M.get(id)
  if all_stale then spread() end
  local pool = by_id[id]
  if pool and not stale[id] then return pool end
  return renew(id, pool)
end

--- Brings every pool that this worker knows up to date, and weights that grow.
function M.renew_all(now)
  if all_stale then spread() end
  for id in pairs(stale) do
    if by_id[id] then renew(id, by_id[id]) else stale[id] = nil end
  end
  for _, pool in pairs(by_id) do
    budget.turn(pool.budget, pool.requests, now)
    if pool.growing then M.grow(pool, now) end
  end
end

-- A member's rank apart from what has been tried and what is full.
local function standing(member, now)
  local endpoint = member.endpoint
  if member.down then return DOWN end
  if not health.usable(endpoint, now) then return EJECTED end
  return endpoint.stalled and STALLED or READY
end

local function was_tried(ctx, endpoint)
  return ctx.tried1 == endpoint or ctx.tried2 == endpoint
end

--- Ranks the members for a request's next try and gives the best rank. `is_full(endpoint)`: no place there; nil where
--- there is no limit. A fit endpoint without room is not given up for one that is ejected or down: the request waits
--- for it, or is refused.
function M.rank(pool, ctx, now, is_full)
  local best, full = OUT, OUT
  local members, hashed = pool.members, pool.balance == "ip-hash"
  for i = 1, #members do
    local member = members[i]
    local rank = standing(member, now)
    if rank == STALLED and hashed then rank = READY end
    if was_tried(ctx, member.endpoint) then
      rank = OUT
    elseif is_full and is_full(member.endpoint) then
      if rank < full then full = rank end
      rank = OUT
    end
    member.rank = rank
    if rank < best then best = rank end
  end
  if best > STALLED and full < best then return OUT end
  return best
end

--- Whether a request that has been nowhere yet is refused because of overload, which is counted then.
function M.refuses(pool)
  if health.calm then return false end
  local members = pool.members
  for i = 1, #members do
    local member = members[i]
    local usable = not member.down and health.usable(member.endpoint, ngx.now())
    if usable and not endpoints.is_at_limit(member.endpoint) then return false end
  end
  local refused = false
  for i = 1, #members do
    local endpoint = members[i].endpoint
    if endpoints.is_at_limit(endpoint) then
      gates.refuse(endpoint.gate)
      refused = true
    end
  end
  if refused then pool.shed = pool.shed + 1 end
  return refused
end

--- Counters since this worker's start, for the pools of the table: as PoolCounters in the port.
function M.counters()
  local all = {}
  for id, pool in pairs(by_id) do
    all[#all + 1] = {
      pool = id,
      requests = pool.requests,
      retries = pool.retries,
      ejections = pool.ejections,
      shed = pool.shed,
    }
  end
  return all
end

return M
