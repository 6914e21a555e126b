-- log_by_lua, of all but common requests: the request is over.
local common = require "kapal.common"
local framing = require "kapal.framing"
local health = require "kapal.health"
local report = require "kapal.report"
local request = require "kapal.request"
local retry = require "kapal.retry"

local ngx_now, var = ngx.now, ngx.var
local current, finish = request.current, request.finish

local M = {}

-- nginx's own status for a client that left.
local CLIENT_GONE = 499

local function leave_endpoint(ctx, status)
  local endpoint = ctx.endpoint
  if not ctx.waiting then
    if not framing.knows_heads() then framing.learn_heads(status) end
    health.succeeded(endpoint)
    return retry.release(ctx)
  end
  -- No head came, and nothing was tried after it.
  if status == CLIENT_GONE then
    health.undecided(endpoint)
    return retry.release(ctx)
  end
  return retry.blame(ctx, ngx_now(), retry.bytes_sent(), status == 504)
end

-- For the access log (src/edge/nginx/config/access-log.ts).
local function tell(ctx)
  local config, member = ctx.pool, ctx.member
  if not config then return end
  if not member then
    var.to = config.service .. " " .. config.id
  elseif ctx.attempts == 1 then
    var.to = member.told
  else
    var.to = member.told .. " " .. ctx.attempts
  end
end

local function done(ctx, status)
  if ctx.run then
    if ctx.endpoint then leave_endpoint(ctx, status) end
    if ctx.preset then require("kapal.place").give_back(ctx) end
  end
  if ctx.block then require("kapal.secure").give_back(ctx.block, ngx_now()) end
  if ctx.held then require("kapal.policy.chain").done(ctx) end
  if ctx.file then require("kapal.static").done(ctx) end
  tell(ctx)
  finish(ctx)
end

--- Takes the request off its endpoint, and forgets it.
function M.done()
  local ctx = current()
  if not ctx then return end
  common.tried(ctx, true)
  done(ctx, ngx.status)
  if ngx.worker.exiting() then report.answer() end
end

return M
