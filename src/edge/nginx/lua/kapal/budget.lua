-- Of a pool's requests in the last ten seconds, at most a fifth may be repeats, but ten always: an endpoint that fails
-- now and then is hidden, while a pool in trouble as a whole is not asked three times as much. Each worker counts for
-- itself.
local M = {}

local SECONDS = 10
local SHARE = 0.2
local FREE = 10

--- `marks`: how many requests there had been when each of the last seconds began.
function M.begin()
  local budget = { at = 1, second = 0, marks = {}, repeats = {}, repeat_sum = 0 }
  for i = 1, SECONDS do
    budget.marks[i] = 0
    budget.repeats[i] = 0
  end
  return budget
end

--- Forgets the seconds that have passed; several times in each. `requests`: of the pool until now.
function M.turn(budget, requests, now)
  local second = now - now % 1
  if second == budget.second then return end
  local passed = math.abs(second - budget.second)
  for _ = 1, math.min(passed, SECONDS) do
    local at = budget.at % SECONDS + 1
    budget.at = at
    budget.marks[at] = requests
    budget.repeat_sum = budget.repeat_sum - budget.repeats[at]
    budget.repeats[at] = 0
  end
  budget.second = second
end

--- Whether a request may be repeated now.
function M.allows(budget, requests)
  local most = (requests - budget.marks[budget.at % SECONDS + 1]) * SHARE
  return budget.repeat_sum < (most > FREE and most or FREE)
end

--- A request is repeated.
function M.take(budget)
  budget.repeats[budget.at] = budget.repeats[budget.at] + 1
  budget.repeat_sum = budget.repeat_sum + 1
end

return M
