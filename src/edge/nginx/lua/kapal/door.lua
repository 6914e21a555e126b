-- How many connections wait until a program on this machine takes them: the line before its door, which nobody else sees
-- (proc_net_tcp(5): of a listening socket rx_queue is that line). Listeners come first in the file, so its beginning is
-- enough, whatever else there is.
local M = {}

local FILES = { "/proc/net/tcp", "/proc/net/tcp6" }
local ENOUGH = 65536

local looked, text

local function read(path)
  local file = io.open(path)
  if not file then return "" end
  local begin = file:read(ENOUGH) or ""
  file:close()
  return begin
end

--- Connections that nobody has taken at this address; 0 where that cannot be seen. The files are read once for each `now`.
function M.length(ip, port, now)
  if ip ~= "127.0.0.1" and ip ~= "::1" then return 0 end
  if now ~= looked then
    looked, text = now, read(FILES[1]) .. read(FILES[2])
  end
  local most = 0
  for length in string.gmatch(text, string.format(":%04X %%x+:0000 0A %%x+:(%%x+)", port)) do
    most = math.max(most, tonumber(length, 16))
  end
  return most
end

return M
