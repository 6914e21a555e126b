-- balancer_by_lua: which endpoint takes the request's next try.
local base = require "resty.core.base"
local balancer = require "ngx.balancer"
local choice = require "kapal.choice"
local common = require "kapal.common"
local endpoints = require "kapal.endpoint"
local first = require "kapal.first"
local framing = require "kapal.framing"
local peer = require "kapal.peer"
local place = require "kapal.place"
local pools = require "kapal.pool"
local request = require "kapal.request"
local retry = require "kapal.retry"
local secure = require "kapal.secure"
local state = require "kapal.state"

local ngx_now, var = ngx.now, ngx.var
local set_more_tries = balancer.set_more_tries
local name_common = peer.name_common
local set_timeouts = balancer.set_timeouts
local get_last_failure = balancer.get_last_failure
local get_request = base.get_request
local key_of, live = request.key_of, request.live
local take = first.take

local M = {}

-- Seconds, as nginx.conf says them (src/edge/nginx/config/limits.ts): a request whose pool says the same needs no copy
-- of its upstream's settings.
local CONNECT_TIMEOUT = 2.5
local USUAL_READ_TIMEOUT = pools.USUAL_READ_TIMEOUT
-- nginx's NGX_BUSY: gives up without asking anybody. The constant is not among those of ngx_lua. (After a kept connection
-- broke, ngx.DECLINED would have nginx come back for ever.)
local NOBODY = -3

local function next_member(ctx, now)
  local member = ctx.preset
  if member then
    ctx.preset = nil
    return member
  end
  -- The table may have changed while a body was read.
  if now ~= ctx.began then
    state.refresh()
    ctx.run = pools.get(ctx.run.id) or ctx.run
  end
  if ctx.run.config.maxConnections then return place.take(ctx, now) end
  return choice.member(ctx, now)
end

local function give_up(ctx, status)
  ctx.status, ctx.common = status, false
  return ngx.exit(NOBODY)
end

-- Rare: the pool is another than the request was prepared for, or its endpoints are told their own addresses.
local function may_send(ctx, member)
  local config = ctx.run.config
  return config == ctx.pool and not config.rewriteHost or secure.may_ask(ctx, member.endpoint)
end

local function fail(endpoint, why)
  ngx.log(ngx.ERR, "endpoint ", endpoint.id, " at ", endpoint.authority, ": ", why)
  return ngx.exit(ngx.ERROR)
end

-- `fresh`: the first that nginx asks for in this location.
local function send_to(ctx, member, now, fresh)
  local endpoint, run = member.endpoint, ctx.run
  ctx.member, ctx.endpoint = member, endpoint
  ctx.attempts = ctx.attempts + 1
  ctx.waiting = true
  ctx.asked = now
  endpoints.enter(endpoint, now)
  -- What is passed on as it comes waits for the client too.
  ctx.upload = ctx.streamed or false
  if ctx.upload then endpoint.uploads = endpoint.uploads + 1 end
  if fresh then set_more_tries(retry.MOST_ATTEMPTS) end
  if run.read_timeout ~= USUAL_READ_TIMEOUT then set_timeouts(CONNECT_TIMEOUT, run.read_timeout, run.read_timeout) end
  if run.config.rewriteHost then
    var.kapal_host = endpoint.authority
    balancer.recreate_request()
  end
  local ok, why = peer.name(endpoint)
  if not ok then return fail(endpoint, why) end
end

-- A request that comes straight from nginx: to the next endpoint in turn, or to @careful, where status 502 leads (without
-- a line in the error log, which NOBODY would leave, and on the same connection, which ngx.ERROR would end).
local function send_first(this, key)
  local ctx, member = take(this, key, ngx_now())
  if not ctx then return ngx.exit(ngx.DECLINED) end
  var.to = member.told
  local endpoint = member.endpoint
  local ok, why = name_common(this, key, endpoint)
  if not ok then return fail(endpoint, why) end
end

--- Names the endpoint; again for each repeat.
function M.choose()
  local this = get_request()
  local key = key_of(this)
  local ctx = live[key]
  if not ctx or ctx.quick and common.is_over(ctx) then return send_first(this, key) end
  -- A connection that was kept has broken: it goes on at @careful, where all do whose try failed.
  if ctx.quick then return ngx.exit(NOBODY) end
  local now, fresh = ngx_now(), not ctx.endpoint
  framing.learn_heads(0)
  if not fresh then
    local _, code = get_last_failure()
    if not retry.go_on(ctx, now, code, retry.bytes_sent()) then return ngx.exit(NOBODY) end
  end
  local member = next_member(ctx, now)
  if member and may_send(ctx, member) then return send_to(ctx, member, now, fresh) end
  if member then
    if ctx.place then place.give_back(ctx) end
    return give_up(ctx, 502)
  end
  if ctx.attempts > 0 and pools.refuses(ctx.run) then
    ctx.fields = request.later()
    return give_up(ctx, 503)
  end
  -- Waiting for a place is not possible here: it goes on from the location of error pages.
  ctx.again = ctx.attempts > 0 and ctx.run.config.queue ~= nil
  return give_up(ctx, ctx.attempts == 0 and 503 or 502)
end

return M
