-- What the workers say of themselves. A question is a number in shared memory that grows; each worker's timer answers
-- it with its counts as they are then, after it has taken the newest table, so an answer tells of every request that
-- began before the question.
local cjson = require "cjson.safe"
local common = require "kapal.common"
local endpoints = require "kapal.endpoint"
local pools = require "kapal.pool"
local state = require "kapal.state"

local counters = ngx.shared.kapal_counters

local M = {}

-- Seconds that a question may wait for workers.
local PATIENCE = 1

local answered = 0
local pid = ngx.worker.pid()
local started

-- Fields of /proc/PID/stat from the third on: its state, its parent, and as twentieth its start time, for a pid alone
-- may be somebody else's by now. Nil: it is dead.
local function stat_of(process)
  local file = io.open("/proc/" .. process .. "/stat")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  local fields = {}
  for field in string.gmatch(string.match(text or "", "^.*%)(.*)$") or "", "%S+") do fields[#fields + 1] = field end
  return fields[1] ~= "Z" and fields or nil
end

local function start_of(process)
  local fields = stat_of(process)
  return fields and fields[20]
end

--- Whether the process lives and is a child of this master.
function M.is_sibling(process, master)
  local fields = stat_of(process)
  return fields ~= nil and tonumber(fields[2]) == master
end

--- Whether the process lives.
function M.is_alive(process)
  return start_of(process) ~= nil
end

--- Writes down what this worker has under way and has counted, by the newest table.
function M.write(question)
  state.refresh()
  pools.renew_all(ngx.now())
  common.collect()
  local version, certificates = state.versions()
  local text = cjson.encode({
    pid = pid,
    started = started,
    question = question,
    version = version,
    certificates = certificates,
    leaving = ngx.worker.exiting(),
    inFlight = endpoints.in_flight(),
    counters = pools.counters(),
    stalled = endpoints.stalled(),
    overloaded = endpoints.overloaded(ngx.now()),
    common = common.begun(),
  })
  local ok, why = counters:safe_set("worker:" .. pid, text)
  if not ok then ngx.log(ngx.ERR, "the report of this worker finds no room: ", why) end
end

--- At the start of a worker.
function M.begin()
  pid = ngx.worker.pid()
  started = start_of(pid)
  answered = counters:get("question") or 0
  M.write(answered)
end

--- Answers a new question, where there is one. A worker that is leaving has no timers any more: it is asked to report
--- at each end of a request.
function M.answer()
  local question = counters:get("question") or 0
  if question == answered and not ngx.worker.exiting() then return end
  answered = question
  M.write(question)
end

local function reports()
  local all = {}
  for _, key in ipairs(counters:get_keys(0)) do
    local process = string.match(key, "^worker:(%d+)$")
    local report = process and cjson.decode(counters:get(key) or "")
    if report then
      if start_of(process) == report.started then all[#all + 1] = report else counters:delete(key) end
    end
  end
  return all
end

local function is_complete(all, question)
  for _, report in ipairs(all) do
    if report.question < question and not report.leaving then return false end
  end
  return true
end

--- Asks all workers and waits for their answers, a second at most: a worker that does not answer is reported as it was,
--- with the version it had then.
function M.ask()
  local question = counters:incr("question", 1, 0)
  answered = question
  M.write(question)
  local deadline = ngx.now() + PATIENCE
  while true do
    local all = reports()
    if is_complete(all, question) or ngx.now() >= deadline then return all end
    ngx.sleep(0.01)
  end
end

return M
