-- Whether an endpoint is asked for more than it can answer, and how much of it is let through then. Each worker decides
-- for itself, from what it has seen: the limit is a time's worth of the answers that this worker gets, so what all
-- workers let through adds up to what the endpoint can do. The same rule, with the same numbers, is
-- src/edge/embedded/plane/gate.ts; docs/decisions/0012 says why it is this one. Times are seconds.
--
--   open --answers came all late, in turn, or connections were not taken; and more and more waited--> limiting
--   limiting --nobody was refused, and few wait--> open
--   limiting --it cost answers: what waited was no queue--> open, with twice the patience
local huge, max, min, sqrt, floor = math.huge, math.max, math.min, math.sqrt, math.floor

local M = {}

-- Waits are counted by doubling: below 100 ms, below 200, and so on.
local FIRST_EDGE, BUCKETS = 0.1, 11
-- A window is so long, and longer until there are enough answers to say something.
local WINDOW, ENOUGH, LONGEST_WINDOW = 0.15, 5, 2
-- It answers as long as something was answered in this time.
local LIVELY = 3
-- Windows in a row that have to say the same.
local ENOUGH_WINDOWS = 3
-- Answers before this are in time, whatever is usual; those of a program that has just begun before the other.
local LATE, NEWCOMER = 0.4, 3
-- What is let through is answered in this time, or in twice what is usual.
local SHORTEST_PATIENCE = 0.5
-- Of one worker at one endpoint.
local LEAST = 5
local SEASONING = 10
-- More may wait than before by chance: three deviations of what comes and goes at random.
local CHANCE, RISING = 3, 1.25
-- Late, but no more and more of them: it is usual from now on.
local LONGEST_STREAK = 10
-- Of the answers.
local NEARLY_ALL, HALF_LIFE = 0.95, 120
-- An overload is seen sooner than this after it began.
local ONSET = 2
local CALMNESS, SMOOTHING = 2, 1
-- Of what is judged by it: workers' answers come in bursts, since those of one stand together in the line.
local JUDGING = 4
-- Of a limit. Workers that share a line get answers as they have limits: without something that holds them, chance would
-- give one of them ever more.
local ANCHORED, ANCHORING = 0.3, 30
-- Of its answers.
local FEW = 0.1
-- A limit under which there are fewer answers than this share, which are no earlier, was none of a queue.
local WORTH, REMEMBERING = 0.6, 600
M.LEAST, M.LATE = LEAST, LATE

local function no_waits()
  local waits = {}
  for bucket = 1, BUCKETS do waits[bucket] = 0 end
  return waits
end

-- Answers by their waits, over a time.
local function nothing_seen()
  return { waits = no_waits(), elapsed = 0 }
end

--- `prompt`: answers that came before anybody looked twice.
function M.begin()
  return {
    limit = huge,
    usual = 0,
    weights = no_waits(),
    latest = nothing_seen(),
    before = nothing_seen(),
    began = 0,
    answers = 0,
    prompt = 0,
    quickest = huge,
    waits = no_waits(),
    refused = 0,
    gone = 0,
    untaken = 0,
    -- The least of the window.
    door = huge,
    waited = 0,
    answered_at = -huge,
    seasoned = 0,
    streak = nil,
    limiting = nil,
    taught = 0,
    taught_until = 0,
  }
end

--- The head of an answer came so long after its request had gone there whole.
function M.answered(gate, wait)
  gate.answers = gate.answers + 1
  if wait < gate.quickest then gate.quickest = wait end
  local bucket, edge = 1, FIRST_EDGE
  while wait >= edge and bucket < BUCKETS do
    bucket, edge = bucket + 1, edge * 2
  end
  gate.waits[bucket] = gate.waits[bucket] + 1
end

--- One that waited has left without an answer.
function M.left(gate)
  gate.gone = gate.gone + 1
end

--- It did not take the connection in time: the line before it has no room left.
function M.untaken(gate)
  gate.untaken = gate.untaken + 1
end

function M.refuse(gate)
  gate.refused = gate.refused + 1
end

--- More is asked than it answers, and it does answer: who waits there for long does not wait for a dead program.
function M.is_overloaded(gate, now)
  return gate.limiting ~= nil and now - gate.answered_at < LIVELY
end

-- What nineteen of twenty answers took at most, in the last minutes.
local function learn(gate, waits, elapsed)
  local weights, kept, sum = gate.weights, 0.5 ^ (elapsed / HALF_LIFE), 0
  for bucket = 1, BUCKETS do
    weights[bucket] = weights[bucket] * kept + waits[bucket]
    sum = sum + weights[bucket]
  end
  if sum == 0 then return end
  local bucket, below = 1, weights[1]
  while below < sum * NEARLY_ALL and bucket < BUCKETS do
    bucket = bucket + 1
    below = below + weights[bucket]
  end
  gate.usual = FIRST_EDGE * 2 ^ (bucket - 1)
end

-- What the window saw is learnt a little later: how an overload begins is not usual.
local function see(gate, elapsed)
  local latest = gate.latest
  for bucket = 1, BUCKETS do latest.waits[bucket] = latest.waits[bucket] + gate.waits[bucket] end
  latest.elapsed = latest.elapsed + elapsed
  if latest.elapsed < ONSET then return end
  learn(gate, gate.before.waits, gate.before.elapsed)
  gate.before, gate.latest = latest, nothing_seen()
end

local function is_seasoned(gate)
  return gate.seasoned >= SEASONING
end

local function patience(gate, now)
  local shortest = is_seasoned(gate) and SHORTEST_PATIENCE or NEWCOMER
  return max(shortest, 2 * gate.usual, now < gate.taught_until and gate.taught or 0)
end

local function limit_at(gate, rate, now)
  return max(LEAST, floor(rate * patience(gate, now) + 0.5))
end

local function open(gate)
  gate.limiting = nil
  gate.limit = huge
end

-- Even the quickest answer is later than nearly all were before, and nobody who waits was overtaken by it: they stand in
-- one line. Or the line is before the door: a program that takes new connections only when it has nothing else to do
-- answers the others in time.
local function is_late(gate, waiting, age)
  if waiting <= LEAST then return false end
  -- Also where everybody leaves before the answer: nobody else would ever stop coming.
  local before_door = gate.door > LEAST and gate.answers + gate.gone >= ENOUGH
  if before_door and (is_seasoned(gate) or age >= NEWCOMER) then return true end
  if gate.answers < ENOUGH then return false end
  local quickest = gate.quickest
  local in_time = is_seasoned(gate) and LATE or NEWCOMER
  return gate.untaken > 0 or quickest >= max(in_time, gate.usual) and age <= quickest
end

local function lengthen(gate, elapsed, entered, late)
  local streak = gate.streak
  if not streak then
    streak = { windows = 0, first = gate.quickest, elapsed = 0, answers = 0, entered = 0 }
    streak.untaken, streak.waits = 0, no_waits()
    gate.streak = streak
  end
  if late then streak.windows = streak.windows + 1 end
  streak.elapsed = streak.elapsed + elapsed
  streak.answers = streak.answers + gate.answers
  streak.entered = streak.entered + entered
  streak.untaken = streak.untaken + gate.untaken
  for bucket = 1, BUCKETS do streak.waits[bucket] = streak.waits[bucket] + gate.waits[bucket] end
  return streak
end

local function watch(gate, now, elapsed, waiting, age)
  local late = is_late(gate, waiting, age)
  -- While more wait than are answered in time, one answer that came soon changes nothing.
  if not late and (not gate.streak or waiting <= limit_at(gate, gate.answers / elapsed, now)) then
    -- What a program does that has just begun is not what it usually does.
    if gate.answers > 0 and (is_seasoned(gate) or gate.quickest < LATE) then see(gate, elapsed) end
    gate.streak = nil
    return
  end
  local streak = lengthen(gate, elapsed, waiting - gate.waited + gate.answers + gate.gone, late)
  if streak.windows < ENOUGH_WINDOWS then return end
  local rate = streak.answers / streak.elapsed
  local limit = limit_at(gate, rate, now)
  local grown = streak.entered - streak.answers >= limit + CHANCE * sqrt(2 * waiting)
  local in_line = gate.door > LEAST or gate.quickest >= streak.first * RISING
  if late and waiting > limit and (streak.untaken > 0 or grown and in_line) then
    gate.streak = nil
    gate.before, gate.latest = nothing_seen(), nothing_seen()
    local wait = gate.answers > 0 and max(gate.quickest, age) or age
    gate.limiting = { rate = rate, lasting = rate, anchor = rate, before = rate, wait = wait, settled = 0, calm = 0 }
    gate.limit = limit
  elseif streak.elapsed >= LONGEST_STREAK then
    learn(gate, streak.waits, streak.elapsed)
    gate.streak = nil
  end
end

local function govern(gate, now, elapsed, waiting, age)
  local limiting, refused = gate.limiting, gate.refused
  -- Others may have filled the line before the door while nothing was sent there from here.
  local is_calm = refused == 0 and waiting < gate.limit / 2 and gate.door <= LEAST
  limiting.calm = is_calm and limiting.calm + elapsed or 0
  if limiting.calm >= CALMNESS then return open(gate) end
  -- What was there before the limit is answered first.
  if limiting.settled == 0 and waiting > gate.limit then return end
  if refused > 0 or waiting >= gate.limit / 2 then
    limiting.rate = limiting.rate + (gate.answers / elapsed - limiting.rate) * min(1, elapsed / SMOOTHING)
  end
  limiting.anchor = limiting.anchor + (limiting.rate - limiting.anchor) * min(1, elapsed / ANCHORING)
  local rate = limiting.rate * (1 - ANCHORED) + limiting.anchor * ANCHORED
  -- What has left unanswered is worked at unseen, while those behind it grow older: that says nothing of what the limit
  -- costs.
  if gate.gone > gate.answers * FEW or age > 2 * limiting.wait then
    limiting.settled = 0
    gate.limit = limit_at(gate, rate, now)
    return
  end
  limiting.settled = limiting.settled + elapsed
  limiting.lasting = limiting.lasting + (gate.answers / elapsed - limiting.lasting) * min(1, elapsed / JUDGING)
  if limiting.settled < limiting.wait + SMOOTHING then return end
  local as_late = gate.quickest >= limiting.wait * WORTH
  -- Where connections are not taken there is a line, and who has fewer answers than before has lost them to another worker.
  if refused > 0 and as_late and gate.door <= LEAST and limiting.lasting < limiting.before * WORTH then
    gate.taught = max(2 * limiting.wait, 2 * patience(gate, now))
    gate.taught_until = now + REMEMBERING
    return open(gate)
  end
  gate.limit = limit_at(gate, rate, now)
end

--- Whether it is worth a look how many connections it has not taken: only where many wait, and some for long.
function M.is_suspect(waiting, age)
  return waiting > LEAST and age >= LATE / 4
end

--- Several times a second. `waiting`: requests that wait for the head of an answer, `age`: for how long they do, on
--- average; `door`: connections that the program has not taken yet, 0 where that is not known.
function M.look(gate, now, waiting, age, door)
  gate.door = min(gate.door, door)
  if gate.prompt > 0 then
    gate.answers, gate.waits[1], gate.quickest = gate.answers + gate.prompt, gate.waits[1] + gate.prompt, 0
    gate.prompt = 0
  end
  local elapsed = now - gate.began
  -- A clock that was set back.
  if elapsed < 0 then gate.began = now end
  if elapsed < WINDOW or gate.answers < ENOUGH and elapsed < LONGEST_WINDOW then return end
  elapsed = min(elapsed, LONGEST_WINDOW)
  if gate.answers > 0 then gate.answered_at = now end
  if gate.answers > 0 then gate.seasoned = min(SEASONING, gate.seasoned + elapsed) end
  if gate.limiting then govern(gate, now, elapsed, waiting, age) else watch(gate, now, elapsed, waiting, age) end
  gate.began, gate.answers, gate.quickest, gate.refused, gate.waited = now, 0, huge, 0, waiting
  gate.gone, gate.untaken, gate.door = 0, 0, huge
  for bucket = 1, BUCKETS do gate.waits[bucket] = 0 end
end

return M
