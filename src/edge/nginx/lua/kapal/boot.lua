-- The first steps of the master and of each worker.
require "resty.core"
local cjson = require "cjson.safe"

local M = {}

-- Seconds between two looks at everything (see wait.lua).
local BEAT = 0.1

local function load(counter, text, entries)
  local snapshot, why = cjson.decode(text)
  if type(snapshot) ~= "table" then error("the snapshot is not JSON: " .. tostring(why)) end
  if not snapshot.set then return end
  local status, held = entries.change(counter, { base = cjson.null, version = snapshot.version, set = snapshot.set })
  if status ~= 200 then error("the snapshot of " .. counter .. " is not taken: " .. tostring(held)) end
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

--- In the master, before the first connection: fills the dictionary from the snapshots in `folder` (with a slash at its
--- end): `state.json` and `certificates.json`, each `{version, set: {key: text}}`. A reload keeps the dictionary; then
--- what is older in the file is ignored.
function M.init(folder)
  local entries = require "kapal.entries"
  for counter, name in pairs({ version = "state.json", certificates = "certificates.json" }) do
    local text = read(folder .. name)
    local ok, why = pcall(load, counter, text or "{}", entries)
    if not ok then ngx.log(ngx.ERR, name, ": ", why) end
  end
  -- Read before the workers are made, so that they share the memory of the code.
  require "kapal.control"
  M.name_phases()
end

--- What nginx.conf calls for each request, by a global name: `require` in each phase would be one call more, and one
-- that LuaJIT compiles badly because of its many callers.
function M.name_phases()
  local route = require "kapal.route"
  rawset(_G, "kapal", {
    access = route.access,
    choose = require("kapal.balance").choose,
    answered = route.answered,
    done = require("kapal.log").done,
  })
end

local function beat(premature)
  if premature then
    require("kapal.pulse").stop()
    return require("kapal.report").write(0)
  end
  require("kapal.state").refresh()
  require("kapal.wait").tick(ngx.now())
  require("kapal.secure").tick(ngx.now())
  require("kapal.report").answer()
  require("kapal.pulse").beat(ngx.now())
end

--- In each worker: what dead workers held is let go, and the beat begins.
function M.init_worker()
  math.randomseed(ngx.worker.pid() + ngx.now() * 1000)
  local report = require "kapal.report"
  require("kapal.place").clean(report.is_alive)
  require("kapal.state").refresh()
  report.begin()
  require("kapal.plain").prepare()
  require("kapal.common").prepare()
  require("kapal.pulse").begin()
  local ok, why = ngx.timer.every(BEAT, beat)
  if not ok then ngx.log(ngx.ERR, "the beat does not begin: ", why) end
end

return M
