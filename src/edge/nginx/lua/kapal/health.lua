-- Passive health of one endpoint, from what the requests of this worker meet. Times are seconds as ngx.now()
-- gives them.
--
--   in use --3 failures in a row, or a refused connect--> ejected --time over--> on trial --success--> in use
--                                                            ^------- failure, time doubled ------|
local M = {}

local FAILURES_TO_EJECT = 3
local FIRST_EJECTION = 1
local LONGEST_EJECTION = 30

--- Whether no endpoint of this worker is ejected or stalled, so that a choice need not look at each. Set false at once,
--- true by the beat (wait.lua).
M.calm = true

--- The fields of an endpoint that are its health.
function M.begin(endpoint)
  endpoint.failures = 0
  endpoint.ejected_until = 0
  endpoint.ejection = 0
  endpoint.on_trial = false
end

--- Whether requests should go there; on trial, one at a time. A clock that was set back ends an ejection instead of
--- making it longer.
function M.usable(endpoint, now)
  local till = endpoint.ejected_until
  if till == 0 then return true end
  if now < till and till - now <= LONGEST_EJECTION then return false end
  return not endpoint.on_trial
end

--- A request goes there now.
function M.chosen(endpoint)
  if endpoint.ejected_until ~= 0 then endpoint.on_trial = true end
end

function M.succeeded(endpoint)
  if endpoint.failures == 0 and endpoint.ejected_until == 0 then return end
  M.begin(endpoint)
end

--- The head of an answer has come: it is alive, which others need not wait for the answer's end to use. One more
--- failure ejects it again, for longer.
function M.answering(endpoint)
  if endpoint.ejected_until == 0 then return end
  endpoint.ejected_until = 0
  endpoint.on_trial = false
  endpoint.failures = FAILURES_TO_EJECT - 1
end

--- A reset, a time-out or a malformed answer; `refused`: it did not take the connection, so there is nothing to wait
--- for. Whether this ejects it.
function M.failed(endpoint, now, refused)
  endpoint.failures = endpoint.failures + 1
  local on_trial = endpoint.on_trial
  endpoint.on_trial = false
  if now < endpoint.ejected_until then return false end
  if not refused and not on_trial and endpoint.failures < FAILURES_TO_EJECT then return false end
  endpoint.ejection = endpoint.ejection == 0 and FIRST_EJECTION or math.min(endpoint.ejection * 2, LONGEST_EJECTION)
  endpoint.ejected_until = now + endpoint.ejection
  M.calm = false
  return true
end

--- The request ended in a way that says nothing about the endpoint: the client left.
function M.undecided(endpoint)
  endpoint.on_trial = false
end

return M
