-- log_by_lua: the request is over.
local health = require "kapal.health"
local report = require "kapal.report"
local request = require "kapal.request"
local retry = require "kapal.retry"

local ngx_now, var = ngx.now, ngx.var
local format, date, floor = string.format, os.date, math.floor
local current, finish = request.current, request.finish

local M = {}

-- nginx's own status for a client that left.
local CLIENT_GONE = 499

local function leave_endpoint(ctx, status)
  local endpoint = ctx.endpoint
  if not ctx.waiting then
    health.succeeded(endpoint)
    return retry.release(ctx)
  end
  -- No head came, and nothing was tried after it.
  if status == CLIENT_GONE then
    health.undecided(endpoint)
    return retry.release(ctx)
  end
  return retry.blame(ctx, ngx_now(), retry.bytes_sent())
end

-- ISO 8601 in UTC; the part that changes once in a second is kept.
local second, beginning = 0, ""
local ENDINGS = {}
for millisecond = 0, 999 do ENDINGS[millisecond] = format(".%03dZ", millisecond) end

local function moment(time)
  local part = time % 1
  local whole = time - part
  if whole ~= second then
    second, beginning = whole, date("!%Y-%m-%dT%H:%M:%S", whole)
  end
  return beginning .. ENDINGS[floor(part * 1000 + 0.5)]
end

-- For the access log (src/edge/nginx/config/access-log.ts).
local function tell(ctx, endpoint)
  var.kapal_time = moment(ctx.began)
  local config = ctx.pool
  if not config then return end
  var.kapal_service = config.service
  var.kapal_pool = config.id
  if not endpoint then return end
  var.kapal_upstream = endpoint.id
  if ctx.attempts > 1 then var.kapal_attempts = ctx.attempts end
end

--- Counts the request, takes it off its endpoint, and forgets it.
function M.done()
  local ctx = current()
  if not ctx then return end
  local status = ngx.status
  local run = ctx.run
  if run then
    local class = (status - status % 100) / 100
    if run.responses[class] then run.responses[class] = run.responses[class] + 1 end
    if ctx.endpoint then leave_endpoint(ctx, status) end
    if ctx.preset then require("kapal.place").give_back(ctx) end
  end
  if ctx.block then require("kapal.secure").give_back(ctx.block, ngx_now()) end
  if ctx.held then require("kapal.policy.chain").done(ctx) end
  if ctx.file then require("kapal.static").done(ctx) end
  tell(ctx, ctx.member and ctx.member.endpoint)
  finish(ctx)
  if ngx.worker.exiting() then report.answer() end
end

return M
