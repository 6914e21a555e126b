-- Digests of passwords, one at a time in each worker and a slice in each of its turns, so that a flood of guesses slows
-- nobody by more than a slice. They are made beside the requests that wait for them: one whose client is gone holds nobody up.
local pbkdf2 = require "kapal.policy.pbkdf2"
local semaphore = require "ngx.semaphore"

local M = {}

-- Different ones that wait; more are refused.
local MOST = 256
-- Seconds that a request waits.
local PATIENCE = 60

local waiting, first, last = {}, 1, 0
local by_key = {}
local working = false

-- Not 0, for which nginx would come back before it has looked at anything else.
local function pause() ngx.sleep(0.001) end

local function work()
  while first <= last do
    local job = waiting[first]
    waiting[first] = nil
    first = first + 1
    local ok, digest = pcall(pbkdf2.derive, job.password, job.salt, job.iterations, pause)
    if ok then job.digest = digest else ngx.log(ngx.ERR, "a password could not be checked: ", digest) end
    by_key[job.key] = nil
    job.done:post(job.askers)
  end
  working = false
end

-- A worker that is leaving has no timers any more: then who asks does the work.
local function start()
  if working then return end
  working = true
  if not ngx.timer.at(0, work) then work() end
end

--- 32 bytes, shared by all who ask for the same `key` meanwhile; nil where too many wait or there is no digest.
function M.derive(key, password, salt, iterations)
  local job = by_key[key]
  if not job then
    if last - first + 1 >= MOST then return nil end
    job = { key = key, password = password, salt = salt, iterations = iterations, done = semaphore.new(), askers = 0 }
    last = last + 1
    waiting[last], by_key[key] = job, job
  end
  job.askers = job.askers + 1
  start()
  job.done:wait(PATIENCE)
  return job.digest
end

return M
