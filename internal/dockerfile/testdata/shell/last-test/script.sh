apt-get update && [ -f /x ] && useradd app
