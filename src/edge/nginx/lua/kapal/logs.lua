-- Cuts a log that nobody sets aside any more (the daemon does, while it lives): a full disk would stop the services of the machine.
local ffi = require "ffi"
local C = ffi.C

ffi.cdef [[
int ftruncate(int descriptor, long length);
long readlink(const char *path, char *buffer, size_t size);
long lseek(int descriptor, long offset, int whence);
]]

local M = {}

-- Four times the size at which the daemon sets a log aside.
local LIMIT = 4 * 32 * 1024 * 1024
local INTERVAL = 10
local SEEK_END = 2
-- Descriptors that are looked through: logs are opened before anything else.
local HIGHEST = 64

local buffer = ffi.new("char[?]", 4096)

-- Descriptors of our logs. By what they are open on, for a worker may not open the files by name.
local function descriptors()
  local found = {}
  for descriptor = 0, HIGHEST do
    local length = C.readlink("/proc/self/fd/" .. descriptor, buffer, 4096)
    if length > 0 and ffi.string(buffer, length):find("/log/%a+%.log$") then found[#found + 1] = descriptor end
  end
  return found
end

local function cut()
  for _, descriptor in ipairs(descriptors()) do
    -- Logs are opened to append, so where this descriptor stands matters to nobody.
    if tonumber(C.lseek(descriptor, 0, SEEK_END)) > LIMIT then C.ftruncate(descriptor, 0) end
  end
end

--- Called once in each worker; the first one does it.
function M.start()
  if ngx.worker.id() ~= 0 then return end
  local ok, why = ngx.timer.every(INTERVAL, cut)
  if not ok then ngx.log(ngx.ERR, "logs are not watched: ", why) end
end

return M
