-- Which member of its pool a request's next try goes to.
local endpoints = require "kapal.endpoint"
local health = require "kapal.health"
local pick = require "kapal.pick"
local pools = require "kapal.pool"
local request = require "kapal.request"
local sticky = require "kapal.sticky"

local var = ngx.var
local current, rank, member_of = request.current, pools.rank, pick.member
local is_at_limit = endpoints.is_at_limit
local STALLED, OUT = pools.STALLED, pools.OUT

local M = {}

local function client_hash()
  return pick.hash(current().client or var.remote_addr)
end

--- The member for the next try; nil where there is none, or none with room. `is_full(endpoint)` where the pool has a
--- limit, else nil: then those are full that have more than they can answer.
function M.member(ctx, now, is_full)
  local run = ctx.run
  local members = run.members
  if run.plain and health.calm and not ctx.tried1 then
    local turn = run.turn % #members + 1
    run.turn = turn
    return members[turn]
  end
  is_full = is_full or not health.calm and is_at_limit or nil
  if #members == 1 then
    local only = members[1]
    if is_full and is_full(only.endpoint) then return nil end
    return only
  end
  local best = rank(run, ctx, now, is_full)
  if best == OUT then return nil end
  if run.config.sticky then
    local preferred = sticky.preferred(run)
    -- What is stalled is passed over by all but cookies (and ip-hash); what is ejected or down, only while others are
    -- there.
    if preferred and preferred.rank <= (best > STALLED and best or STALLED) then return preferred end
  end
  return member_of(run.balance, members, best, client_hash)
end

return M
