-- Upstreams over TLS. nginx keeps idle connections by their address alone, in the upstream block through which they were
-- made. So each name, verified or not, gets a block for itself while requests for it come, and the block goes to another
-- name only when no connection of the first can be left in it. Each worker has idle connections of its own, and so gives
-- out its blocks by itself; a reload begins with new workers. Names that find no block share none: their connections end
-- with their requests.
local prepared = require "kapal.prepared"
local state = require "kapal.state"

local var, ngx_now = ngx.var, ngx.now

local M = {}

-- Seconds without a request after which a block is free again; nginx has ended its connections after 1.5.
local REST = 10
local NONE = "kapal_tls"

-- By key of name and verification: `{key, number, busy, last, marked}`.
local held = {}
-- Numbers of blocks without a name, and how many have been given out at all.
local free, given = {}, 0

--- The block that keeps connections for this key alone; nil where all are taken.
function M.take(key, now)
  local block = held[key]
  if not block then
    local number = table.remove(free)
    if not number then
      if given >= prepared.tls_upstreams then return nil end
      given = given + 1
      number = given
    end
    block = { key = key, number = number, busy = 0 }
    held[key] = block
  end
  block.busy = block.busy + 1
  block.last = now
  return block
end

--- A request that took a block is over: its connection is idle now, or closed.
function M.give_back(block, now)
  block.busy = block.busy - 1
  block.last = now
end

--- In each beat. A block at rest is first marked and freed by a later beat: a worker that stood still for long may run
--- this timer before those that end its idle connections, but never twice before them.
function M.tick(now)
  for key, block in pairs(held) do
    if block.busy > 0 or now - block.last < REST then
      block.marked = nil
    elseif not block.marked then
      block.marked = true
    else
      held[key] = nil
      free[#free + 1] = block.number
    end
  end
end

--- Whether an endpoint is spoken to in the same way by both (`tls` of a pool, nil for plain HTTP).
function M.is_same(one, other)
  if one == nil or other == nil then return one == other end
  return one.serverName == other.serverName and one.verify == other.verify
end

-- The name that all members are told, where each is told its own address; nil where they differ.
local function common_host(members)
  local host
  for i = 1, #members do
    local own = members[i].endpoint.host
    if host and own ~= host then return nil end
    host = own
  end
  return host
end

-- The name that is asked for and verified, and whether connections for it are kept. Names under a wildcard are the
-- visitors' to choose: they could take all blocks.
local function name_of(ctx, tls)
  if type(tls.serverName) == "string" then return tls.serverName, true end
  if not ctx.pool.rewriteHost then return ctx.name, state.get("route:" .. ctx.name) ~= nil end
  local host = common_host(ctx.run.members)
  return host, host ~= nil
end

--- Tells nginx how the request's endpoint is spoken to, and gives the way as locations are called.
function M.prepare(ctx)
  local tls = ctx.pool.tls
  local way = tls.verify and "verified" or "tls"
  local name, keeps = name_of(ctx, tls)
  if name then var.kapal_tls_name = name end
  if ctx.block then M.give_back(ctx.block, ngx_now()) end
  ctx.block = keeps and M.take(way .. " " .. name, ngx_now()) or nil
  ctx.tls_name = name
  var.kapal_tls_upstream = ctx.block and NONE .. "_" .. ctx.block.number or NONE
  return way
end

--- Before a try: whether the endpoint may be spoken to as was prepared. The pool may be another by now, and where each
--- endpoint is asked under its own address the name is told here.
function M.may_ask(ctx, endpoint)
  local tls = ctx.run.config.tls
  if not M.is_same(ctx.pool.tls, tls) then return false end
  if not tls or type(tls.serverName) == "string" or not ctx.run.config.rewriteHost then return true end
  if ctx.tls_name then return ctx.tls_name == endpoint.host end
  var.kapal_tls_name = endpoint.host
  return true
end

return M
