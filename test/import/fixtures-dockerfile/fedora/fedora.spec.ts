import type { Spec } from 'ocibake'

// Imported from Dockerfile.
export default {
  from: 'fedora',
  steps: [
    { run: ['dnf -y update', 'dnf clean all'] },
    { run: ['dnf -y install nginx', 'dnf clean all'] },
    { run: 'echo "daemon off;" >> /etc/nginx/nginx.conf' },
    { run: 'echo "nginx on Fedora" > /usr/share/nginx/html/index.html' },
  ],
  config: { expose: [80], cmd: ['/usr/sbin/nginx'], author: 'Neependra Khare <neependra.khare@gmail.com>' },
} satisfies Spec
