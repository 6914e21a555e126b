-- log_by_lua: the request is over.
local health = require "kapal.health"
local report = require "kapal.report"
local request = require "kapal.request"
local retry = require "kapal.retry"

local ngx_now = ngx.now
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
  if ctx.held then require("kapal.policy.chain").done(ctx) end
  finish(ctx)
  if ngx.worker.exiting() then report.answer() end
end

return M
