-- The control socket: entries are changed, and workers asked. Only root and the daemon can open it.
--
--   POST /entries       {base, version, set, delete}  of the route table   200, 409 another base, 507 no room
--   POST /certificates  the same, of certificates
--   GET  /status        what runs, from all workers
local cjson = require "cjson.safe"
local entries = require "kapal.entries"
local report = require "kapal.report"
local state = require "kapal.state"

local M = {}


local function answer(status, body)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.print(type(body) == "string" and body or cjson.encode(body), "\n")
  return ngx.exit(status)
end

local function change(counter)
  ngx.req.read_body()
  local text = ngx.req.get_body_data()
  local path = not text and ngx.req.get_body_file()
  if path then
    local file = io.open(path, "rb")
    text = file and file:read("*a")
    if file then file:close() end
  end
  local body, why = cjson.decode(text or "")
  if not body then return answer(400, { error = "the body is not JSON: " .. tostring(why) }) end
  local status, held = entries.change(counter, body)
  if status == 400 then return answer(400, { error = held }) end
  -- A limit counts what every worker has under way: each has to have taken it before the next request comes.
  if status == 200 and string.find(text, "maxConnections", 1, true) then report.ask() end
  return answer(status, { version = held })
end

local function add_counters(sums, more)
  for _, counters in ipairs(more) do
    local sum = sums[counters.pool]
    if not sum then
      sum = { pool = counters.pool, requests = 0, retries = 0, ejections = 0, shed = 0 }
      sums[counters.pool] = sum
    end
    sum.requests = sum.requests + counters.requests
    sum.retries = sum.retries + counters.retries
    sum.ejections = sum.ejections + counters.ejections
    -- Not told by a worker of an older version that is leaving.
    sum.shed = sum.shed + (counters.shed or 0)
  end
end

-- An empty table of Lua is an object to cjson.
local function array_of(list)
  local texts = {}
  for index, item in ipairs(list) do texts[index] = cjson.encode(item) end
  return "[" .. table.concat(texts, ",") .. "]"
end

local function status()
  local workers, in_flight, sums, silent, busy = {}, {}, {}, {}, {}
  for _, worker in ipairs(report.ask()) do
    workers[#workers + 1] = {
      pid = worker.pid,
      version = worker.version,
      certificates = worker.certificates,
      leaving = worker.leaving,
      question = worker.question,
      common = worker.common,
    }
    for endpoint, count in pairs(worker.inFlight) do in_flight[endpoint] = (in_flight[endpoint] or 0) + count end
    add_counters(sums, worker.counters)
    for _, endpoint in ipairs(worker.stalled) do silent[endpoint] = true end
    -- Workers of an older version, which are leaving, do not say it.
    for _, endpoint in ipairs(worker.overloaded or {}) do busy[endpoint] = true end
  end
  local counters, stalled, overloaded = {}, {}, {}
  for _, sum in pairs(sums) do counters[#counters + 1] = sum end
  for endpoint in pairs(busy) do overloaded[#overloaded + 1] = endpoint end
  for endpoint in pairs(silent) do
    if not busy[endpoint] then stalled[#stalled + 1] = endpoint end
  end
  local version, certificates = state.versions()
  local text = string.format(
    '{"version":%d,"certificates":%d,"workers":%s,"inFlight":%s,"counters":%s,"stalled":%s,"overloaded":%s,"connections":%d}',
    version,
    certificates,
    array_of(workers),
    cjson.encode(in_flight),
    array_of(counters),
    array_of(stalled),
    array_of(overloaded),
    ngx.var.connections_active
  )
  return answer(200, text)
end

--- Answers one request of the daemon.
function M.serve()
  local asked = ngx.req.get_method() .. " " .. ngx.var.uri
  if asked == "POST /entries" then return change("version") end
  if asked == "POST /certificates" then return change("certificates") end
  if asked == "GET /status" then return status() end
  return answer(404, { error = "nothing answers to this" })
end

return M
